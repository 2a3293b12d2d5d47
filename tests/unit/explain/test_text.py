"""What a person reads: a few lines for a ticket, and all of it as JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nixrepro.explain import document, text
from nixrepro.explain.model import Cause, Explanation, Outcome, Proof, State, Trial, Unit

from .conftest import difference, unit

CPU = unit("hardware.cpu", label="the CPU", old="X, AVX-512", new="Y, AVX2")
LIBC = Unit(
    "system", "system.libc6", "libc6", "2.36", "2.41", parts=frozenset({0}),
    more=("libc6", "libc-bin", "libc-dev-bin", "locales"),
)  # fmt: skip
GPU = unit("hardware.gpu", label="the GPU", blocked="there is none")


def explanation(state: State, proof: Proof = Proof(), **more: Any) -> Explanation:  # noqa: B008
    units = more.pop("units", (CPU, LIBC))
    return Explanation(
        difference(),
        more.pop("subject", "the weights"),
        state in (State.SAME, State.AGREE, State.HARMLESS),
        state,
        tuple(Cause(each, 1, ("a reason",)) for each in units),
        proof=proof,
        **more,
    )


def said(found: Explanation) -> str:
    lines = text.lines(found)
    assert all(len(line) <= text.WIDTH for line in lines), lines
    return " ".join(" ".join(lines).split())


def test_the_sentence_for_a_ticket() -> None:
    proof = Proof((CPU,), harmless=(LIBC,), twice=True, whole=Outcome.B)
    found = explanation(
        State.EXPLAINED,
        proof,
        parting=("epoch 1, step 1: the loss and 4 of 4 weights", "2.302585125", "2.302585363"),
        trials=(Trial((), Outcome.A, seconds=4.0), Trial(("x",), Outcome.B, seconds=5.5)),
    )
    assert said(found) == (
        "A a B b The weights differ from epoch 1, step 1 on (the loss and 4 of 4 weights: "
        "2.30258512 -> 2.30258536), because of the CPU (X, AVX-512 -> Y, AVX2): A with the CPU of "
        "B gives B's numbers; A again, as it was, gives A's; each was run twice. "
        "libc6 (2.36 -> 2.41, with libc-bin and 2 more) also differs and changes nothing here. "
        "2 trials, 9.5 s. "
        "What to do: the portable profile computes the same on every CPU (docs/numerics.md)."
    )


def test_what_was_run_again_is_b_where_a_could_not_be() -> None:
    found = explanation(
        State.EXPLAINED,
        Proof((replace(CPU, old=CPU.new, new=CPU.old),), whole=Outcome.B),
        base="B",
        notes=("A can't be run here: it lacks avx512f",),
    )
    words = said(found)
    # What A has stands first all the same.
    assert "the CPU (X, AVX-512 -> Y, AVX2): B with the CPU of A gives A's numbers" in words
    assert "A can't be run here: it lacks avx512f." in words


def test_what_is_needed_along_is_named_and_not_blamed() -> None:
    found = explanation(State.EXPLAINED, Proof((LIBC,), needed=(CPU,), whole=Outcome.B))
    words = said(found)
    assert "because of libc6 (2.36 -> 2.41, with libc-bin and 2 more): A with libc6 of B" in words
    assert "of B, and the CPU, which it needs, gives B's numbers" in words


def test_several_causes_and_all_that_the_trials_left() -> None:
    names = [unit(f"settings.{name}", label=name) for name in "abcdef"]
    proof = Proof(
        (names[0], names[1]), also=(names[2],), change=(names[3],), failed=(names[4],),
        untested=(names[5],), whole=Outcome.B,
    )  # fmt: skip
    tested = Trial(("settings.e",), Outcome.FAILED, reason="it fails with status 1")
    words = said(explanation(State.EXPLAINED, proof, units=names, trials=(tested,)))
    for part in (
        "because of a and b, only together: A with a and b of B",
        "c alone gives B's numbers, too.",
        "Gives other numbers, neither A's nor B's, when A has it of B: d.",
        "A can't be run with e of B alone: it fails with status 1.",
        "Not tested, to end after that many trials: f.",
    ):
        assert part in words


def test_many_packages_are_left_to_bisect() -> None:
    many = Unit("wheels", "wheels", "40 packages", parts=frozenset(range(40)))
    words = said(explanation(State.EXPLAINED, Proof((many,), whole=Outcome.B), units=(many,)))
    assert words.endswith("What to do: `nixrepro bisect A B` finds out what of 40 packages it is.")
    words = said(explanation(State.OPEN, Proof(change=(many,), whole=Outcome.B), units=(many,)))
    assert "finds out what of 40 packages it is." in words
    assert "bisect" not in said(explanation(State.EXPLAINED, Proof((LIBC,), whole=Outcome.B)))


def test_what_can_not_be_tested_is_said_once_a_reason() -> None:
    other = replace(GPU, key="hardware.gpu.2", label="its driver")
    found = explanation(
        State.REMAINING, Proof(harmless=(LIBC,), whole=Outcome.A), units=(LIBC, GPU, other)
    )
    words = said(found)
    assert "changes nothing (libc6 (2.36 -> 2.41, with libc-bin and 2 more)), so the cause" in words
    # What was not tried is not ruled out.
    assert "is among what can't, or something that no record holds." in words
    assert "Can't be tested here: the GPU and its driver: there is none." in words
    assert "Nothing that differs can be tested here." in said(
        explanation(State.REMAINING, units=(GPU,))
    )


def test_without_trials_the_likely_causes_are_numbered() -> None:
    words = said(explanation(State.LIKELY))
    assert "1. the CPU (X, AVX-512 -> Y, AVX2): a reason" in words
    many = [unit(f"settings.{n}") for n in range(9)]
    assert "and 4 more (--json has all)" in said(explanation(State.LIKELY, units=many))
    assert "Nothing that is recorded and can change numbers differs." in said(
        explanation(State.LIKELY, units=())
    )


@pytest.mark.parametrize(
    ("state", "part"),
    [
        (State.SAME, "The weights are the same, and nothing differs that can change them."),
        (State.AGREE, "The weights are the same, though these differ: the CPU"),
        (State.CHANCE, "There is chance in the program"),
        (State.UNREPEATABLE, "Nothing can be proved here: why."),
        (State.NOTHING, "Nothing can be explained: why."),
        (State.OPEN, "No difference that could be tested explains it."),
    ],
)
def test_each_end_has_its_sentence(state: State, part: str) -> None:
    found = explanation(state, reason="why", facts=("kernel.release",))
    if state is State.OPEN:
        assert "Of the machines differ also: kernel.release." in said(found)
    assert part in said(found)


def test_numbers_that_agree_are_never_said_to_differ() -> None:
    for state in State:
        found = replace(explanation(state, reason="why", subject="the output"), same=True)
        words = said(found)
        assert "differs." not in words and "differs from" not in words
        if state is not State.NOTHING and state is not State.EXPLAINED:
            assert words.startswith("A a B b The output is the same")


def test_json_holds_all_of_it() -> None:
    found = explanation(
        State.EXPLAINED,
        Proof((CPU,), harmless=(LIBC,), whole=Outcome.B),
        parting=("epoch 1: loss", "1.0", "2.0"),
        trials=(Trial(("hardware.cpu",), Outcome.B, ".nixrepro/trials/1", 2.0),),
    )
    told = document.of(found)
    assert told["state"] == "explained"
    assert (told["cause"], told["harmless"]) == (["hardware.cpu"], ["system.libc6"])
    assert told["parting"] == {"where": "epoch 1: loss", "a": "1.0", "b": "2.0"}
    assert told["likely"][0]["reasons"] == ["a reason"]
    assert told["hint"].startswith("What to do: the portable profile")
    assert told["trials"][0]["folder"] == ".nixrepro/trials/1"
    assert told["text"].startswith("The weights differ from epoch 1 on (loss")
    assert set(told["difference"]["layers"]) >= {"hardware", "code"}


def test_what_was_not_seen_to_matter_is_not_said_to() -> None:
    names = [unit(f"settings.{name}", label=name) for name in "ab"]
    proof = Proof(tuple(names), unsure=(names[1],), whole=Outcome.B)
    words = said(explanation(State.EXPLAINED, proof, units=names))
    assert "only together" not in words and "each was run once" in words
    assert "Whether b matters could not be tried: without it A can't be run." in words


DATA = unit("data.mnist", label="the data file mnist")
TOKEN = unit("settings.passed.TOKEN", label="the variable TOKEN", blocked="only its digest")


@pytest.mark.parametrize(
    ("cause", "part"),
    [
        (CPU, "the portable profile computes the same"),
        (LIBC, "`nixrepro probe A B` shows"),
        (unit("code"), "`nixrepro diff A B` shows"),
        (DATA, "pin the same for both in [tool.nixrepro.data.mnist]"),
        (unit("settings.seed"), "state one `seed` for both in [tool.nixrepro.settings]"),
        (unit("settings.numerics.threads"), "one number of `threads`"),
        (unit("settings.numerics"), "the same `profile` for both"),
        (unit("settings.variables.X"), "one value of X for both"),
        (unit("settings.passed.TOKEN"), "state TOKEN in [tool.nixrepro.settings.variables]"),
    ],
)
def test_what_to_do_is_said_last(cause: Unit, part: str) -> None:
    trials = (Trial((), Outcome.A, seconds=4.0),)
    found = explanation(State.EXPLAINED, Proof((cause,), whole=Outcome.B), trials=trials)
    last = text.lines(replace(found, notes=("a note",)), 200)[-1]
    assert last.startswith("What to do: ") and part in last


@pytest.mark.parametrize(
    ("blocked", "part"),
    [
        (GPU, "`nixrepro repeat` of one run on the other's machine"),
        (replace(CPU, blocked="it lacks much"), "the same command on the other's machine"),
        (unit("hardware.cores", blocked="here are 2"), "as many processors"),
        (TOKEN, "state TOKEN in [tool.nixrepro.settings.variables]"),
        (replace(DATA, blocked="from the network"), "[tool.nixrepro.data.mnist]"),
    ],
)
def test_what_to_do_is_said_of_what_can_not_be_tested_too(blocked: Unit, part: str) -> None:
    last = text.lines(explanation(State.REMAINING, units=(blocked,)), 200)[-1]
    assert last.startswith("What to do: ") and part in last


@pytest.mark.parametrize("cause", ["settings.command", "settings.folder", "settings.deterministic"])
def test_each_setting_has_a_hint_of_its_own(cause: str) -> None:
    words = said(explanation(State.EXPLAINED, Proof((unit(cause),), whole=Outcome.B)))
    assert "state one value of" not in words.partition("What to do: ")[2]
    assert cause.partition(".")[2] in words.partition("What to do: ")[2]


def test_two_causes_have_both_hints_and_each_hint_stands_once() -> None:
    causes = (CPU, unit("hardware.cores"), unit("code"))
    words = said(explanation(State.EXPLAINED, Proof(causes, whole=Outcome.B)))
    hint = words.partition("What to do: ")[2]
    assert hint.count("portable") == 1 and "`nixrepro diff A B`" in hint


@pytest.mark.parametrize(
    ("state", "part"),
    [
        (State.CHANCE, "nixrepro verify RUN --runs 3"),
        (State.LIKELY, "without --no-run"),
        (State.UNREPEATABLE, "nixrepro verify --trace"),
        (State.SAME, ""),
        (State.HARMLESS, ""),
        (State.NOTHING, ""),
    ],
)
def test_each_end_says_how_to_go_on(state: State, part: str) -> None:
    words = said(explanation(state, trials=(Trial((), Outcome.OTHER, seconds=1.0),)))
    assert part in words.partition("What to do: ")[2]
    assert bool(part) == ("What to do: " in words)


def test_a_trial_that_could_not_be_made_says_where_all_of_it_is() -> None:
    proof = Proof((CPU,), failed=(LIBC,), whole=Outcome.B)
    failed = Trial(
        ("system.libc6",), Outcome.FAILED, reason="it can't be built",
        complaint=".nixrepro/trials/1.error.txt", details="it can't be built\nall of it",
    )  # fmt: skip
    found = explanation(State.EXPLAINED, proof, trials=(failed,))
    assert "it can't be built (.nixrepro/trials/1.error.txt)." in said(found)
    assert document.of(found)["trials"][0]["details"].endswith("all of it")


def test_a_note_does_not_hide_what_was_not_found() -> None:
    proof = Proof(whole=Outcome.B)
    found = explanation(State.OPEN, proof, notes=("what these need is known by the locks alone",))
    assert "All that differs gives B's numbers; which of it does was not found." in said(found)
    assert "was not found" not in said(replace(found, proof=replace(proof, besides=True)))


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        (None, "; whether A with all of B's that can be tested gives them was not tried."),
        (Outcome.FAILED, "; A with all of B's that can be tested can't be run here."),
        (Outcome.OTHER, ", but A with all of B's that can be tested gives others here."),
    ],
)
def test_of_the_same_numbers_nothing_is_said_that_was_not_tried(
    whole: Outcome | None, part: str
) -> None:
    found = explanation(State.OPEN, Proof(whole=whole), units=(CPU, GPU))
    assert f"The weights are the same{part}" in said(replace(found, same=True))


def test_many_packages_are_several() -> None:
    many = Unit("wheels", "wheels", "9 packages", parts=frozenset(range(9)))
    words = said(explanation(State.EXPLAINED, Proof((CPU,), harmless=(many,), whole=Outcome.B)))
    assert "9 packages also differ and change nothing here." in words


def test_what_was_tried_together_is_not_said_to_change_nothing_by_itself() -> None:
    names = tuple(unit(f"settings.{name}", label=name) for name in "ab")
    proof = Proof((CPU,), harmless=names, whole=Outcome.B)
    assert "a and b also differ and change nothing here." in said(
        explanation(State.EXPLAINED, proof)
    )
    assert "a and b also differ and, taken together, change nothing here." in said(
        explanation(State.EXPLAINED, replace(proof, together=True))
    )
    same = explanation(State.HARMLESS, Proof(harmless=names, together=True, whole=Outcome.A))
    assert "so it changes nothing here, taken together: a and b." in said(same)


def test_one_output_is_it() -> None:
    assert "can change it." in said(explanation(State.SAME, subject="the output"))

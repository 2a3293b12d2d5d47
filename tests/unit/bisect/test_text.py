"""What a person reads: the cause and only the cause, in lines that fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro import delta
from nixrepro.bisect import document, notes, text
from nixrepro.bisect.display import Display, spelled
from nixrepro.bisect.model import Bisection, End, Numbers
from nixrepro.delta import Chosen, Enough, Outcome
from nixrepro.errors import BuildError
from nixrepro.lock import Lock
from nixrepro.mixing import Entry, Unit, closed
from nixrepro.record import Record

from ..mixing.parts import deb

A, B, OTHER, FAILED = Outcome.A, Outcome.B, Outcome.OTHER, Outcome.FAILED
LOCK = Lock("3.11.2", "2.36", {}, ())


def unit(name: str, *needs: int) -> Unit:
    entry = Entry("system", name, "", (deb(name, "1"),), (deb(name, "2"),))
    return Unit((name,), "system", (entry,), frozenset(needs))


def bisection(
    rule: Callable[[Chosen], Outcome], units: tuple[Unit, ...], limit: int = 99
) -> Bisection:
    numbers: dict[Chosen, Numbers] = {}

    def test(sets: tuple[Chosen, ...]) -> list[Outcome]:
        if len(numbers) + len(sets) > limit:
            raise Enough
        for each in sets:
            outcome = rule(each)
            key = str(sorted(each)) if outcome is OTHER else outcome.value
            digests = {"weights": f"{key}-weights", "metrics": "alike"}
            failed = Numbers(reason="the program failed: oops")
            numbers[each] = failed if outcome is FAILED else Numbers(key, digests, "/nix/store/x")
        return [rule(each) for each in sets]

    found = delta.search(len(units), lambda chosen: closed(units, chosen), test)
    ends = (End("run 0123", LOCK), End("b.lock", LOCK))
    return Bisection(*ends, units, (), found, numbers, len(numbers), 75.0)


def told(answer: Bisection) -> str:
    lines = text.lines(answer)
    assert all(len(line) <= 80 for line in lines)
    assert json.dumps(document.of(answer))
    return " ".join("\n".join(lines).split())


TEN = tuple(unit(f"p{number}") for number in range(10))


def test_one() -> None:
    answer = bisection(lambda chosen: B if 6 in chosen else A, TEN)
    assert told(answer).startswith(
        "p6 1 -> 2 changes the weights: with it alone A gives B's numbers. The other 9 change "
        "nothing more. A weights A-weights metrics alike B weights B-weights metrics alike A with "
        "it weights B-weights metrics alike"
    )
    assert told(answer).endswith(f"{len(answer.numbers)} trials in 1 min 15 s.")
    found = document.of(answer)
    assert (found["state"], found["cause"], found["taken"]) == ("found", [6], [6])


def test_one_that_needs_another() -> None:
    units = (unit("low"), unit("high", 0), unit("x"))
    said = told(bisection(lambda chosen: B if 1 in chosen else A, units))
    assert said.startswith("high 1 -> 2 changes the weights: with it A gives B's numbers. ")
    assert "It needs low beside it, which changes nothing by itself. The other one changes" in said
    # Where the needed one counts too, nobody says that it doesn't.
    said = told(bisection(lambda c: B if 1 in c else OTHER if 0 in c else A, units))
    assert "It needs low beside it. " in said


def test_a_pair() -> None:
    said = told(bisection(lambda chosen: B if chosen >= {2, 7} else A, TEN))
    assert said.startswith(
        "p2 1 -> 2 and p7 1 -> 2 change the weights only together: with both A gives B's numbers, "
        "with either alone its own. The other 8 change nothing more."
    )
    assert "without p2 weights A-weights" in said
    said = told(bisection(lambda c: B if c >= {2, 7} else OTHER if c & {2, 7} else A, TEN))
    assert "change the weights: it takes both for A to give B's numbers." in said


def test_three() -> None:
    said = told(bisection(lambda chosen: B if chosen >= {1, 5, 8} else A, TEN))
    assert "p1 1 -> 2, p5 1 -> 2 and p8 1 -> 2 change the weights only together" in said
    assert "with all of them A gives B's numbers, with fewer its own." in said


def test_none() -> None:
    answer = bisection(lambda chosen: A, TEN)
    assert told(answer).startswith("The packages alone do not change the numbers")
    assert document.of(answer)["state"] == "same"
    empty = replace(answer, units=(), numbers={}, found=delta.Found(frozenset(), 0, True))
    assert told(empty) == "run 0123 and b.lock have the same packages."
    assert document.of(empty)["state"] == "same"


def test_an_open_end() -> None:
    forty = tuple(unit(f"p{number}") for number in range(40))
    answer = bisection(lambda chosen: B if 3 in chosen else A, forty, limit=4)
    said = told(answer)
    assert said.startswith(
        "Not found yet: it is among 13 of 40: p0, p1, p2, p3, p4, p5, p6, p7 and 5 more. "
    )
    found = document.of(answer)
    assert (found["state"], found["cause"], len(found["left"])) == ("open", [], 13)
    assert "p7 and 5 more. The same command goes on from here." in said
    assert "Without `--max-trials 0` the same command goes on" in told(replace(answer, limit=0))
    answer = bisection(lambda chosen: A, TEN, limit=0)
    assert told(answer).startswith(
        "Nothing is known yet: A's lock and B's lock were not tried. The same command goes on"
    )
    assert document.of(answer)["state"] == "open"
    answer = replace(answer, numbers={frozenset[int](): Numbers("A", {}, "/nix/store/x")}, limit=0)
    assert told(answer).startswith(
        "Nothing is known yet: B's lock was not tried. Without `--max-trials 0` the same command"
    )


def test_what_could_not_be_tried() -> None:
    units = (unit("a"), unit("b"))

    def rule(chosen: Chosen) -> Outcome:
        return {0: A, 2: B}.get(len(chosen), FAILED)

    said = told(bisection(rule, units))
    assert "Whether a matters could not be tried: without it the program failed: oops." in said


def test_a_bisection_of_nothing_comparable() -> None:
    answer = bisection(lambda chosen: FAILED if chosen else A, TEN)
    assert document.of(answer)["state"] == "open"


def test_what_is_said_on_the_way() -> None:
    said: list[str] = []
    display = Display(TEN, said.append)

    def test(sets: tuple[Chosen, ...]) -> list[Outcome]:
        outcomes = [B if 9 in each else A for each in sets]
        display.outcomes(outcomes, 61.5)
        return outcomes

    delta.search(10, lambda chosen: chosen, test, watch=display.step)
    assert said[:4] == [
        "nixrepro: trials 1 and 2 of at most 8: A's lock, B's lock",
        "nixrepro:   A's numbers, B's numbers (1 min 1 s)",
        "nixrepro: trials 3 and 4 of at most 8: 3 and 6 from B; left: 10 of 10",
        "nixrepro:   A's numbers, A's numbers (1 min 1 s)",
    ]
    assert said[-2] == "nixrepro: trial 8 of at most 8: p9 from B; left: p9"


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59, "59 s"), (3661, "61 min 1 s")])
def test_times(seconds: float, words: str) -> None:
    assert spelled(seconds) == words


def run(name: str, **prints: str) -> End:
    document = {
        "id": name * 64,
        "status": "done",
        "exit": {"status": 0},
        "fingerprint": prints,
        "files": {"log": {"sha256": "said"}},
    }
    return End(f"run {name * 12}", LOCK, Record(Path(), document))


def noted(answer: Bisection) -> Bisection:
    return replace(answer, notes=tuple(notes.notes(answer)))


def test_a_run_with_other_numbers_than_its_lock_gives() -> None:
    answer = bisection(lambda chosen: B if 6 in chosen else A, TEN)
    said = told(noted(replace(answer, a=run("a"), b=run("b", weights="other"))))
    assert "p6 1 -> 2 changes the weights: with it alone A gives what B's lock gives." in said
    rest = "recorded other numbers still: `nixrepro explain A B` looks at the rest."
    assert f"Run bbbbbbbbbbbb {rest}" in said
    # A lock is no run that could be explained.
    said = told(noted(replace(answer, b=run("b", weights="other"))))
    assert "recorded other numbers still." in said and "explain" not in said
    # Where packages change nothing, they are no part of the cause.
    answer = bisection(lambda chosen: A, TEN)
    said = told(noted(replace(answer, a=run("a"), b=run("b", weights="other"))))
    assert "Run bbbbbbbbbbbb recorded other numbers than B's lock gives here" in said
    assert " too" not in said and "still" not in said
    said = told(noted(replace(answer, a=run("a", metrics="other"))))
    assert "Run aaaaaaaaaaaa recorded other numbers than A's lock gives here: another" in said


def test_what_a_program_says_is_not_compared_with_a_record() -> None:
    """A record counts its errors too, a trial doesn't."""
    answer = bisection(lambda chosen: B if 6 in chosen else A, TEN)
    numbers = {
        chosen: replace(one, digests={"output": one.key}) for chosen, one in answer.numbers.items()
    }
    answer = replace(answer, a=run("a"), b=run("b"), numbers=numbers)
    assert notes.notes(answer) == []
    assert "with it alone A gives B's numbers." in told(answer)


def test_runs_with_the_same_packages() -> None:
    found = delta.Found(frozenset(), 0, True)
    answer = Bisection(run("a"), run("b"), (), (), found, {})
    assert told(answer).endswith("the same packages; `nixrepro explain A B` looks at the rest.")


def test_a_program_that_differs_from_itself() -> None:
    answer = bisection(lambda chosen: B if 6 in chosen else A, TEN, limit=2)
    answer = replace(answer, unstable=("A", "B"))
    said = told(answer)
    assert said.startswith("The program differs from itself: no package can be blamed. Trained a")
    assert "with A's lock and B's lock, it gave other numbers" in said
    assert not any(f"p{number}" in said for number in range(10))
    found = document.of(answer)
    assert (found["state"], found["cause"], found["unstable"]) == ("unstable", [], ["A", "B"])


def test_packages_are_counted_not_groups() -> None:
    pair = replace(unit("c"), entries=(*unit("c").entries, *unit("d").entries))
    said = told(bisection(lambda chosen: B if 0 in chosen else A, (unit("a"), unit("b"), pair)))
    assert "The other 3 change nothing more." in said


def test_a_lock_with_which_the_program_fails() -> None:
    answer = bisection(lambda chosen: FAILED if chosen else A, TEN)
    for ends, explained in (({}, False), ({"a": run("a"), "b": run("b")}, True)):
        with pytest.raises(BuildError) as caught:
            notes.check(replace(answer, **ends))
        words = "`nixrepro explain A B` finds which package makes it fail"
        assert (words in caught.value.hint) == explained

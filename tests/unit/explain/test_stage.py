"""Two real runs of a small project, explained by running one of them again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nixrepro import diff
from nixrepro.diff import known
from nixrepro.errors import BuildError, NixreproError, RunError
from nixrepro.explain import Explanation, State, explain, proving, text
from nixrepro.explain import stage as explaining
from nixrepro.explain.model import Outcome
from nixrepro.explain.sides import Side
from nixrepro.lock import dumps
from nixrepro.nix import Nix
from nixrepro.record import Record
from nixrepro.repeat import realised, stage

from ..lab import Lab, furnish
from .conftest import lock

PROGRAM = """
import os, sys
import nixrepro_runtime as nr
nr.log(step=0, loss=nr.seed + len(sys.argv) + int(os.environ.get("MORE", 0)))
"""


# A loop of its own, whose second weight has something of MORE from the third step on.
LOOP = """
import os
import nixrepro_runtime as nr
class Array:
    def __init__(self, data): self.data = data
    def tobytes(self): return self.data
class Tensor:
    def __init__(self, data): self.data = data
    def numpy(self): return Array(self.data)
class Kind: name = "float32"
class Variable:
    dtype, shape, device = Kind, (2,), "GPU"
    def __init__(self, name): self.path, self.data = name, b""
    def numpy(self): raise AssertionError
    def read_value(self): return Tensor(self.data)
class Model: name, weights = "m", [Variable("k"), Variable("b")]
for step in range(1, 5):
    late = os.environ.get("MORE", "") if step > 2 else ""
    Model.weights[0].data = b"%d" % step
    Model.weights[1].data = b"%d" % step + late.encode()
    nr.step(Model, loss=1 / step)
nr.log(loss=0.25 + len(late))
"""


class Explaining(Lab):
    """A project whose runs are explained."""

    def explain(self, a: Record, b: Record, **more: Any) -> Explanation:
        sides = [diff.find(self.root, str(each.folder)) for each in (a, b)]
        self.said.clear()
        options = {"run": True, "most": 0, "say": self.said.append, **more}
        return explain(self.root, *sides, Nix(), **options)

    def other(self, **settings: Any) -> Record:
        """A run with other settings, which are then as they were."""
        old = json.loads(json.dumps(self.settings))
        for key, value in settings.items():
            self.settings[key] = {**old[key], **value} if key == "variables" else value
        found = self.run()
        self.settings = old
        return found

    def trials(self) -> list[Path]:
        return sorted((self.root / ".nixrepro" / "trials").glob("*/record.json"))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Explaining:
    made = Explaining(tmp_path)
    furnish(made, monkeypatch)
    monkeypatch.setenv("NIXREPRO_PROBE", "no")
    made.write("nixrepro.lock", dumps(lock()))
    made.write("train.py", PROGRAM)
    made.commit()
    return made


def said(found: Explanation) -> str:
    return " ".join(" ".join(text.lines(found)).split())


def keys(units: Any) -> list[str]:
    return [unit.key for unit in units]


def test_a_seed_is_the_cause_and_nothing_else(lab: Explaining) -> None:
    first = lab.run()
    lab.write("train.py", f"{PROGRAM}# a remark\n")
    lab.write("notes.txt", "not committed")
    second = lab.other(seed=43, variables={"HARMLESS": "1"})
    found = lab.explain(first, second)
    assert found.state is State.EXPLAINED
    assert keys(found.proof.cause) == ["settings.seed"]
    assert keys(found.proof.harmless) == ["code", "settings.variables.HARMLESS"]
    # A, B, the seed alone, all else together; A and the seed once more.
    assert [len(each.keys) for each in found.trials] == [0, 3, 1, 2, 0, 1]
    assert len(lab.trials()) == 6
    words = said(found)
    assert "because of the seed (42 -> 43): A with the seed of B gives B's numbers" in words
    assert "The code (notes.txt, train.py, not committed in B) and HARMLESS (none -> 1)" in words
    assert all(len(line) <= 80 for line in text.lines(found))
    # Neither the project's runs nor its files are other ones.
    assert len(list((lab.root / ".nixrepro" / "runs").glob("*/record.json"))) == 2
    assert lab.left() == []


def test_the_same_again_runs_nothing(lab: Explaining) -> None:
    first, second = lab.run(), lab.other(seed=43)
    before = lab.explain(first, second)
    times = [path.stat().st_mtime_ns for path in lab.trials()]
    again = lab.explain(first, second)
    assert again.proof == before.proof
    assert [path.stat().st_mtime_ns for path in lab.trials()] == times
    assert {each.seconds for each in again.trials} == {0.0}
    # One that was damaged is made anew, and a third run shares what is the same.
    lab.trials()[0].write_text("{")
    assert lab.explain(first, second).proof == before.proof
    lab.explain(first, lab.other(seed=44))
    # Once more, A is what it was; the other seed is tried twice.
    assert len(lab.trials()) == 6


def test_a_cut_one_goes_on_where_it_was(lab: Explaining, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = lab.run(), lab.other(seed=43, variables={"MORE": "5"})
    genuine, calls = stage.attend, []

    def attend(*words: Any, **more: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return genuine(*words, **more)

    monkeypatch.setattr(stage, "attend", attend)
    with pytest.raises(KeyboardInterrupt):
        lab.explain(first, second)
    assert lab.said[-1] == (
        "nixrepro: interrupted: 2 trials kept in .nixrepro/trials; the same command goes on from "
        "there"
    )
    assert len(lab.trials()) == 2
    assert lab.left() == []
    found = lab.explain(first, second)
    assert [bool(each.seconds) for each in found.trials[:3]] == [False, False, True]


def test_one_that_was_cut_before_its_first_trial_has_kept_none(
    lab: Explaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lab.run(), lab.other(seed=43)
    monkeypatch.setattr(stage, "attend", interrupted)
    with pytest.raises(SystemExit):
        lab.explain(first, second)
    assert "interrupted: no trial was finished; the same command begins anew" in lab.said[-1]


def interrupted(*words: Any, **more: Any) -> int:
    raise SystemExit(143)


def test_again_makes_all_anew_and_throws_nothing_away(
    lab: Explaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lab.run(), lab.other(seed=43)
    before = lab.explain(first, second)
    kept = {path: path.read_bytes() for path in lab.trials()}
    again = lab.explain(first, second, again=True)
    assert all(each.seconds for each in again.trials)
    assert again.proof == before.proof
    assert len(lab.trials()) == 2 * len(kept)
    assert {path: path.read_bytes() for path in kept} == kept
    # From now on the newer ones count.
    folders = {each.folder for each in again.trials}
    found = lab.explain(first, second)
    assert {each.folder for each in found.trials} == folders
    assert {each.seconds for each in found.trials} == {0.0}
    monkeypatch.setattr(stage, "attend", interrupted)
    with pytest.raises(SystemExit):
        lab.explain(first, second, again=True)
    assert "the same command begins anew" in lab.said[-1]


def test_a_trial_that_gives_others_when_it_is_made_anew_is_told(lab: Explaining) -> None:
    lab.write("out.log", "1")
    program = "open('{}').read() + str(nr.seed)"
    text_ = f"import nixrepro_runtime as nr\nnr.log(x=int({program}))\n"
    lab.write("train.py", text_.format(lab.root / "out.log"))
    first, second = lab.run(), lab.other(seed=43)
    assert lab.explain(first, second).state is State.EXPLAINED
    lab.write("out.log", "2")  # no record holds it
    found = lab.explain(first, second, again=True)
    assert found.state is State.UNREPEATABLE
    assert "A again, made anew, gave other numbers than the trial that was kept" in said(found)


def test_what_was_tried_on_another_machine_is_tried_again(
    lab: Explaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lab.run(), lab.other(seed=43)
    assert lab.explain(first, second).state is State.EXPLAINED
    here = explaining.look()
    monkeypatch.setattr(explaining, "look", lambda: replace(here, gpu={"driver": "570.1"}))
    assert all(each.seconds for each in lab.explain(first, second).trials)
    monkeypatch.setattr(explaining, "look", lambda: here)
    assert not any(each.seconds for each in lab.explain(first, second).trials)


def test_how_many_trials_there_are_is_said_and_true(lab: Explaining) -> None:
    first = lab.run()
    second = lab.other(seed=43, variables={"HARMLESS": "1", "MORE": "0", "Z": "1"})
    found = lab.explain(first, second)
    (bound,) = (line for line in lab.said if "differences alone" in line)
    assert bound.endswith(" trials, if one of the 4 differences alone is the cause")
    number = int(bound.partition("at most ")[2].partition(" ")[0])
    assert len(found.trials) <= number
    assert lab.said[0] == "nixrepro: trial 1: A again"
    assert f"nixrepro: trial 2 of at most {number}: B again" in lab.said


def test_two_that_only_together_give_it(lab: Explaining) -> None:
    first, second = lab.run(), lab.other(seed=43, variables={"MORE": "5"})
    found = lab.explain(first, second)
    assert keys(found.proof.cause) == ["settings.seed", "settings.variables.MORE"]
    assert "; each of these changes the numbers, and all are needed for B's: A with" in said(found)


def test_what_is_said_of_the_trials_to_come_ends_with_what_it_is_true_of(lab: Explaining) -> None:
    first = lab.run()
    second = lab.other(seed=43, variables={"MORE": "5", "HARMLESS": "1"})
    found = lab.explain(first, second)
    (together,) = (n for n, line in enumerate(lab.said) if "now several together" in line)
    assert "none of 3 differences alone gives B's numbers" in lab.said[together]
    assert not any("of at most" in line for line in lab.said[together:])
    assert keys(found.proof.cause) == ["settings.seed", "settings.variables.MORE"]
    assert "; each of these changes the numbers, and all are needed for B's: A with" in said(found)


def test_code_that_was_not_committed(lab: Explaining) -> None:
    first = lab.run()
    lab.write("train.py", PROGRAM.replace("nr.seed", "2 * nr.seed"))
    found = lab.explain(first, lab.run())
    assert keys(found.proof.cause) == ["code"]
    assert "the code (train.py, not committed in B)" in said(found)


def test_a_command_and_a_failure(lab: Explaining) -> None:
    first = lab.run()
    found = lab.explain(first, lab.run("python", "train.py", "again"))
    assert keys(found.proof.cause) == ["settings.command"]
    found = lab.explain(first, lab.run("python", "gone.py"))
    assert keys(found.proof.cause) == ["settings.command"]


def test_two_failures_are_no_numbers(lab: Explaining) -> None:
    lab.write("fail.py", "import os, sys; sys.exit(f'{os.getpid()}: no {sys.argv[1]}')")
    first, second = (lab.run("python", "fail.py", word) for word in ("memory", "network"))
    found = lab.explain(first, second)
    assert (found.state, found.trials) == (State.NOTHING, ())
    assert "both failed with status 1, and left no numbers; mend the failure first" in said(found)
    # Another failure than the recorded one is not its cause; the recorded one is, each time.
    good = lab.run()
    found = lab.explain(good, second)
    assert keys(found.proof.cause) == ["settings.command"]


def test_a_log_that_was_cut_is_no_proof(lab: Explaining, edited: Callable[..., Record]) -> None:
    lab.write("train.py", "import os\nprint(os.environ.get('X', 0))\n")

    def edit(document: dict[str, Any]) -> None:
        document["files"]["log"]["cut"] = "the log ends here: No space left on device"

    first, second = lab.run(), edited(lab.other(variables={"X": "5"}), edit)
    found = lab.explain(first, second)
    assert (found.state, found.trials) == (State.NOTHING, ())
    assert "B recorded neither weights nor metrics, and its log is not whole: the" in said(found)


def test_what_nix_says_is_said_in_a_line_and_kept_whole(
    lab: Explaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lab.run(), lab.other(seed=43, variables={"HARM": "1"})
    details = "\n".join(["error: builder for '/nix/store/x.drv' failed", *["> a line"] * 30])

    def environment(root: Path, project: Path, recipe: Any, *_: Any) -> Any:
        if "HARM" in recipe.settings["variables"] and recipe.settings["seed"] == 42:
            raise BuildError("Nix could not build the environment", details=details)
        return lab.environment

    monkeypatch.setattr(realised, "environment", environment)
    found = lab.explain(first, second)
    assert keys(found.proof.failed) == ["settings.variables.HARM"]
    (failed,) = (each for each in found.trials if each.complaint)
    (line,) = (line for line in lab.said if failed.complaint in line)
    assert "builder for '/nix/store/x.drv' failed" in line and "a line" not in line
    kept = (lab.root / failed.complaint).read_text()
    assert kept.count("> a line") == failed.details.count("> a line") == 30
    assert f"({failed.complaint})" in said(found)


def test_a_project_in_a_folder_of_its_repository_has_trials_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Explaining(tmp_path, inside="models")
    furnish(made, monkeypatch)
    monkeypatch.setenv("NIXREPRO_PROBE", "no")
    made.write("nixrepro.lock", dumps(lock()))
    made.write("train.py", PROGRAM)
    made.commit()
    found = made.explain(made.run(), made.other(seed=43))
    assert keys(found.proof.cause) == ["settings.seed"]


def test_outputs_part_at_a_line(lab: Explaining) -> None:
    lab.write("train.py", "import os\nprint('one')\nprint('two', os.environ.get('X', 0))\n")
    found = lab.explain(lab.run(), lab.other(variables={"X": "5"}))
    assert "The output differs from line 2 on (`two 0` -> `two 5`), because of X" in said(found)


def test_the_first_step_and_tensor_are_found_by_the_trials(lab: Explaining) -> None:
    lab.write("train.py", LOOP)
    lab.commit()
    first, second = lab.run(), lab.other(variables={"MORE": "5"})
    assert not any("steps" in each.document["result"] for each in (first, second))
    found = lab.explain(first, second)
    assert keys(found.proof.cause) == ["settings.variables.MORE"]
    assert found.parting[0] == "step 3 of the program's own loop: the weights of b"
    assert "differ from step 3 of the program's own loop on (the weights of b: " in said(found)
    # Without a trial nobody knows it.
    assert "step 3" not in said(lab.explain(first, second, run=False))


def test_what_only_the_other_tree_has_is_not_taken_for_the_one_difference(
    lab: Explaining,
) -> None:
    lab.write(
        "train.py", "import nixrepro_runtime as nr\nnr.log(x=len(open('pyproject.toml').read()))\n"
    )
    first = lab.run()
    text_ = (lab.root / "pyproject.toml").read_text()
    lab.write("pyproject.toml", f"{text_}# a remark of some length\n")
    second = lab.other(variables={"X": "5"})
    found = lab.explain(first, second)
    assert found.state is State.OPEN
    assert found.proof.cause == ()
    assert "is none of these differences does it" in said(found)


def test_a_portable_run_needs_no_cpu_of_its_own(
    lab: Explaining, edited: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a record says of the CPU can't be had here; the profile answers in its place.
    monkeypatch.setattr(proving, "barrier", lambda *_: "it lacks much")
    first, second = lab.run(), lab.other(seed=43)
    assert lab.explain(first, second).state is State.UNREPEATABLE
    monkeypatch.setattr(Side, "portable", property(lambda _: True))
    assert lab.explain(first, second).state is State.EXPLAINED


def test_a_trial_that_failed_is_made_anew(lab: Explaining, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.write("train.py", f"{PROGRAM}\nassert 'HARM' not in os.environ or nr.seed != 42\n")
    first, second = lab.run(), lab.other(seed=43, variables={"HARM": "1"})
    for _ in range(2):
        found = lab.explain(first, second)
        assert keys(found.proof.cause) == ["settings.seed"]
        assert [bool(each.seconds) for each in found.trials if each.outcome is Outcome.FAILED] == [
            True
        ]


def test_the_number_of_processors(lab: Explaining) -> None:
    lab.write(
        "train.py", "import os, nixrepro_runtime as nr\nnr.log(n=len(os.sched_getaffinity(0)))\n"
    )
    whole = os.sched_getaffinity(0)
    first = lab.run()
    os.sched_setaffinity(0, {min(whole)})
    try:
        second = lab.run()
    finally:
        os.sched_setaffinity(0, whole)
    found = lab.explain(first, second)
    assert keys(found.proof.cause) == ["hardware.cores"]
    assert os.sched_getaffinity(0) == whole
    # From the other side: what ran on one is run on one again.
    assert keys(lab.explain(second, first).proof.cause) == ["hardware.cores"]


def test_the_same_numbers_though_something_differs(lab: Explaining) -> None:
    first = lab.run()
    lab.write("notes.txt", "more")
    second = lab.other(variables={"HARMLESS": "1"})
    found = lab.explain(first, second)
    assert found.state is State.HARMLESS
    assert len(found.trials) == 2
    quiet = lab.explain(first, second, run=False)
    assert (quiet.state, quiet.trials) == (State.AGREE, ())
    assert "are the same, though these differ" in said(quiet)
    assert lab.explain(first, first).state is State.SAME


def test_chance_is_told_from_a_cause(lab: Explaining) -> None:
    lab.write(
        "train.py", "import os, nixrepro_runtime as nr\nnr.log(x=os.urandom(4)[0] + 0.5)\n" * 3
    )
    first, second = lab.run(), lab.other(seed=43)
    found = lab.explain(first, second)
    assert found.state is State.CHANCE
    words = said(found)
    assert "two repetitions of A here differ from each other, first at the logged x" in words
    assert "1. the seed (42 -> 43)" in words


def test_chance_in_the_other_run_alone(lab: Explaining) -> None:
    first = lab.run()
    lab.write(
        "train.py", "import os, nixrepro_runtime as nr\nnr.log(x=int.from_bytes(os.urandom(4)))\n"
    )
    found = lab.explain(first, lab.run())
    assert found.state is State.OPEN
    assert "There is chance in B: two repetitions of it differ" in said(found)
    assert keys(found.proof.change) == ["code"]


def test_what_can_not_be_repeated_is_not_proved(lab: Explaining) -> None:
    lab.write("train.py", "import nixrepro_runtime as nr\nnr.log(x=len(open('data.log').read()))\n")
    lab.commit()
    lab.write("data.log", "ignored by git")
    first = lab.run()
    lab.write("data.log", "another")
    found = lab.explain(first, lab.run())
    assert found.state is State.UNREPEATABLE
    assert "Nothing that is recorded and can change numbers differs" in said(found)


def test_what_is_not_recorded_can_not_be_tested(
    lab: Explaining, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.write("train.py", "import os, nixrepro_runtime as nr\nnr.log(x=len(os.environ['TOKEN']))\n")
    monkeypatch.setenv("TOKEN", "a secret")
    first = lab.run()
    monkeypatch.setenv("TOKEN", "another secret")
    second = lab.run()
    monkeypatch.setenv("TOKEN", "a secret")
    found = lab.explain(first, second)
    assert found.state is State.REMAINING
    words = said(found)
    assert "Can't be tested here: the variable TOKEN of the host" in words
    assert "secret" not in words
    # Not to have it can be tested.
    lab.settings["pass"] = []
    lab.write(
        "train.py",
        "import os, nixrepro_runtime as nr\nnr.log(x=len(os.environ.get('TOKEN', '')))\n",
    )
    without = lab.run()
    lab.settings["pass"] = ["TOKEN"]
    having = lab.run()
    assert keys(lab.explain(having, without).proof.cause) == ["settings.passed.TOKEN"]


def test_elimination_leaves_what_can_not_be_tested(
    lab: Explaining, edited: Callable[..., Record]
) -> None:
    first = lab.run()
    second = lab.other(variables={"HARMLESS": "1"})

    def edit(document: dict[str, Any]) -> None:
        document["layers"]["hardware"]["gpu"] = {"devices": ["one"], "driver": "1"}
        document["fingerprint"]["metrics"] = "0" * 64

    found = lab.explain(first, edited(second, edit))
    assert found.state is State.REMAINING
    assert keys(found.proof.harmless) == ["settings.variables.HARMLESS"]
    words = said(found)
    assert "so the cause is among what can't" in words
    assert "Can't be tested here: the GPU or its driver" in words


def test_the_same_numbers_with_nothing_to_test(
    lab: Explaining, edited: Callable[..., Record]
) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["hardware"]["gpu"] = {"devices": ["one"], "driver": "1"}

    first, second = lab.run(), edited(lab.run(), edit)
    assert lab.explain(first, second).state is State.AGREE


@pytest.fixture
def edited(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Record]:
    """A run as it would be recorded elsewhere; its integrity is another test's matter."""
    monkeypatch.setattr(explaining, "check", lambda *_: ())

    def edit(record: Record, change: Callable[[dict[str, Any]], None]) -> Record:
        path = record.folder / "record.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))
        return Record(record.folder, document)

    return edit


def test_nothing_that_is_recorded_differs(lab: Explaining, edited: Callable[..., Record]) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["fingerprint"]["metrics"] = "0" * 64
        document["layers"]["hardware"]["kernel"]["release"] = "another"

    found = lab.explain(lab.run(), edited(lab.run(), edit))
    assert (found.state, found.likely) == (State.OPEN, ())
    words = said(found)
    assert "The metrics differ. No difference that could be tested explains it." in words
    assert "B again gives A's numbers here, not its own: chance, or something that no" in words
    assert "Of the machines differ also: kernel.release." in words
    assert len(lab.trials()) == 1  # both are the same recipe


def test_a_run_that_agrees_and_can_not_be_repeated(lab: Explaining) -> None:
    lab.write("train.py", "import nixrepro_runtime as nr\nnr.log(x=len(open('data.log').read()))\n")
    lab.write("data.log", "ignored by git")
    first, second = lab.run(), lab.other(seed=43)
    found = lab.explain(first, second)
    assert (found.state, found.same) == (State.UNREPEATABLE, True)
    assert "The metrics are the same." in said(found)


def test_the_other_run_is_run_again_where_only_that_can_be(
    lab: Explaining, edited: Callable[..., Record]
) -> None:
    def edit(document: dict[str, Any]) -> None:
        # A CPU with all that leaf 7 can promise, which no machine has.
        table = document["layers"]["hardware"]["cpu"]["table"]
        kept = [line for line in table if not line.startswith("00000007")]
        kept.append("00000007  0 00000000 ffffffff ffffffff ffffffff")
        document["layers"]["hardware"]["cpu"]["table"] = kept

    first, second = edited(lab.run(), edit), lab.other(seed=43)
    found = lab.explain(first, second)
    assert (found.state, found.base) == (State.EXPLAINED, "B")
    assert keys(found.proof.cause) == ["settings.seed"]
    words = said(found)
    assert "the seed (42 -> 43): B with the seed of A gives A's numbers" in words
    assert "A can't be run here: this machine's CPU lacks" in words
    assert "Can't be tested here: the CPU" in words
    both = edited(second, edit)
    assert lab.explain(first, both).state is State.UNREPEATABLE


def test_a_record_from_elsewhere(lab: Explaining, tmp_path: Path) -> None:
    first, second = lab.run(), lab.other(seed=43)
    shared = tmp_path / "shared" / second.folder.name
    shutil.copytree(second.folder, shared)
    shutil.rmtree(second.folder)
    found = lab.explain(first, Record(shared, second.document))
    assert keys(found.proof.cause) == ["settings.seed"]


def test_a_run_of_a_colleagues_clone(lab: Explaining, tmp_path: Path) -> None:
    first = lab.run()
    lab.write("train.py", PROGRAM.replace("nr.seed", "3 * nr.seed"))
    lab.commit()
    second = lab.run()
    clone = tmp_path / "clone"
    shutil.copytree(lab.top, clone)
    lab.git("reset", "--quiet", "--hard", "HEAD~1")
    lab.git("reflog", "expire", "--expire=now", "--all")
    lab.git("gc", "--quiet", "--prune=now")
    # Its code is in its own clone alone.
    there = clone / ".nixrepro" / "runs" / second.folder.name
    found = lab.explain(first, Record(there, second.document))
    assert keys(found.proof.cause) == ["code"]
    moved = tmp_path / "alone" / second.folder.name
    shutil.copytree(there, moved)
    found = lab.explain(first, Record(moved, second.document))
    assert found.state is State.REMAINING
    assert "is not in the repository" in said(found)


def test_a_bound_is_kept(lab: Explaining) -> None:
    first, second = lab.run(), lab.other(seed=43, variables={"HARMLESS": "1"})
    found = lab.explain(first, second, most=2)
    assert found.state is State.OPEN
    assert len(lab.trials()) == 2
    assert "Not explained yet: 2 trials were allowed; not tried: the seed" in said(found)
    assert not any("together" in line for line in lab.said)
    assert "explains it" not in said(found)
    found = lab.explain(first, second, most=1)
    assert found.state is not State.UNREPEATABLE


def test_nothing_to_compare(lab: Explaining) -> None:
    run = lab.run()
    with pytest.raises(NixreproError, match="is no run"):
        explain(
            lab.root, known.of_record(run), diff.find(lab.root, str(lab.root / "nixrepro.lock")),
            Nix(), run=True, most=0, say=lab.said.append,
        )  # fmt: skip
    document = json.loads((run.folder / "record.json").read_text())
    document["layers"]["settings"]["command"] = ["true"]
    (run.folder / "record.json").write_text(json.dumps(document))
    with pytest.raises(RunError, match="is not as it was recorded"):
        lab.explain(run, run)

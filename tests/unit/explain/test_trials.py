"""By what a trial is kept: all that makes it another one, and nothing else; and what it gave."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nixrepro.errors import BuildError, RunError
from nixrepro.explain.here import Here
from nixrepro.explain.identity import identified, key
from nixrepro.explain.keeping import TRIALS, Shelf
from nixrepro.explain.model import Outcome
from nixrepro.explain.outcomes import first_line, outcome
from nixrepro.explain.packages import Packages
from nixrepro.explain.plan import Ground
from nixrepro.repeat import recipe
from nixrepro.repeat.recipe import Recipe

from ..diff.conftest import DOCUMENT
from .conftest import MakeSide

PORTABLE = {"profile": "portable", "cpu": "haswell", "threads": 4}


@pytest.fixture
def plain(side: MakeSide) -> Recipe:
    return replace(recipe.of(side("A").record), settings={"command": ["true"], "seed": 42})


@pytest.mark.parametrize(
    "change",
    [
        {"lock": "another"},
        {"project": "another"},
        {"cpu": ("a line",)},
        {"cores": 1},
        {"settings": {"command": ["true"], "seed": 1}},
        {"settings": {"command": ["true"], "seed": 42, "numerics": {"threads": 2}}},
    ],
)
def test_what_makes_it_another(plain: Recipe, change: dict[str, Any]) -> None:
    assert identified(replace(plain, **change)) != identified(plain)


@pytest.mark.parametrize("change", [{"tree": "f" * 40}, {"submodules": [{"commit": "f" * 40}]}])
def test_other_code_makes_it_another(side: MakeSide, change: dict[str, Any]) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["code"].update(change)

    assert identified(recipe.of(side("A", edit).record)) != identified(recipe.of(side("A").record))


def test_what_changes_no_number_does_not(side: MakeSide, plain: Recipe) -> None:
    one, two = (
        replace(plain, settings={**plain.settings, "numerics": {**PORTABLE, "vcpu": path}})
        for path in ("/nix/store/1", "/nix/store/2")
    )
    assert identified(one) == identified(two)
    # Whose gcc made the virtual CPU changes no number either.
    assert identified(replace(plain, compiler="a lock")) == identified(plain)
    # Of two runs, the same recipe is one trial.
    of_b = replace(recipe.of(side("B").record), settings=plain.settings, steps=1)
    assert identified(of_b) == identified(plain)


@pytest.mark.parametrize(
    "change", [{"table": ("another",)}, {"cores": 3}, {"gpu": {"driver": "570.1"}}]
)
def test_another_machine_makes_it_another(plain: Recipe, change: dict[str, Any]) -> None:
    here = Here(("a line",), 2, {"driver": "550.2"})
    assert key(plain, replace(here, **change), "", 0) != key(plain, here, "", 0)


def test_so_do_its_place_in_the_repository_and_the_repetition(plain: Recipe) -> None:
    keys = {key(plain, Here(), inside, control) for inside in ("", "models") for control in (0, 1)}
    assert len(keys) == 4


def test_tracing_counts_where_a_virtual_cpu_is_wanted(plain: Recipe) -> None:
    portable = replace(plain, settings={**plain.settings, "numerics": PORTABLE})

    def keys(wanted: Recipe) -> set[str]:
        return {key(wanted, Here(tracing=can), "", 0) for can in (True, False)}

    assert len(keys(plain)) == 1
    assert len(keys(portable)) == len(keys(replace(plain, cpu=("a line",)))) == 2


@pytest.fixture
def ground(side: MakeSide) -> Ground:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["settings"].update(numerics={**PORTABLE, "by": "vcpu"})

    a, b = side("A", edit), side("B", edit)
    return Ground(a, b, Packages(a.lock, b.lock, (a.text, b.text), ()))


def test_what_stood_in_for_the_cpu_must_be_what_was_asked(ground: Ground, side: MakeSide) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["settings"].update(numerics={**PORTABLE, "by": "variables"})

    assert outcome(ground.base.record, ground, ground.by(()))[0] is Outcome.A
    whose, reason = outcome(side("C", edit).record, ground, ground.by(()))
    assert whose is Outcome.FAILED and "it needs vcpu" in reason


def test_a_trial_whose_log_was_cut_is_nobodys(ground: Ground, side: MakeSide) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["fingerprint"] = {}
        document["files"] = {"log": {"sha256": "1" * 64, "cut": "no space"}}

    assert outcome(side("C", edit).record, ground, "") == (
        Outcome.FAILED,
        "what it said was not kept whole: no space",
    )


def test_of_an_error_the_first_line_that_means_something_is_said() -> None:
    details = "warning: x\nerror: builder for '/nix/store/1-six.drv' failed with exit code 1;\n> y"
    error = BuildError("Nix could not build the environment", details=details, hint="look")
    line = first_line(error)
    assert "builder for '/nix/store/1-six.drv' failed with exit code 1" in line
    assert "\n" not in line and ">" not in line
    long = first_line(RunError("\n  " + "x" * 500 + "\nmore"))
    assert (len(long), long[-4:]) == (120, "x...")


class Shelved:
    """A project's shelf, and trials that were just made."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.number = 0

    def make(self, shelf: Shelf, status: str = "done") -> Path:
        self.number += 1
        left = self.root / f"left{self.number}"
        left.mkdir()
        document = {
            **copy.deepcopy(DOCUMENT),
            "status": status,
            "fingerprint": {"metrics": f"{self.number}" * 64},
        }
        return shelf.keep("k" * 64, left, document).folder

    def found(self, shelf: Shelf) -> Path | None:
        found = shelf.found("k" * 64, lambda record: record.document["status"] == "done")
        return found.folder if found else None


def test_what_is_kept_is_found_and_what_is_broken_is_replaced(tmp_path: Path) -> None:
    lab = Shelved(tmp_path)
    first = lab.make(Shelf(tmp_path, again=False))
    assert first == tmp_path / TRIALS / ("k" * 16)
    assert lab.found(Shelf(tmp_path, again=False)) == first
    (first / "record.json").write_text("{")
    assert lab.found(Shelf(tmp_path, again=False)) is None
    assert lab.make(Shelf(tmp_path, again=False)) == first
    assert len(list((tmp_path / TRIALS).iterdir())) == 1


def test_again_throws_nothing_away_and_the_newest_counts(tmp_path: Path) -> None:
    lab = Shelved(tmp_path)
    first = lab.make(Shelf(tmp_path, again=False))
    anew = Shelf(tmp_path, again=True)
    assert lab.found(anew) is None
    before = anew.before("k" * 64, lambda _: True)
    assert before and before.folder == first
    second = lab.make(anew)
    assert second != first and json.loads((first / "record.json").read_text())
    # What was made in this very explanation need not be made twice.
    assert lab.found(anew) == second
    third = lab.make(Shelf(tmp_path, again=True))
    assert lab.found(Shelf(tmp_path, again=False)) == third not in (first, second)
    # One that failed is no better than an older one that did not.
    lab.make(Shelf(tmp_path, again=True), "failed")
    assert lab.found(Shelf(tmp_path, again=False)) == third

"""By what a trial is kept: all that makes it another one, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nixrepro.explain.identity import identified
from nixrepro.explain.model import Outcome
from nixrepro.explain.packages import Packages
from nixrepro.explain.plan import Ground
from nixrepro.explain.trials import Bench
from nixrepro.nix import Nix
from nixrepro.repeat import recipe

from .conftest import MakeSide


@pytest.mark.parametrize(
    "change",
    [
        {"lock": "another"},
        {"cpu": ("a line",)},
        {"cores": 1},
        {"settings": {"command": ["true"], "seed": 1}},
        {"settings": {"command": ["true"], "seed": 42, "numerics": {"threads": 2}}},
    ],
)
def test_what_makes_it_another(side: MakeSide, change: dict[str, Any]) -> None:
    plain = replace(recipe.of(side("A").record), settings={"command": ["true"], "seed": 42})
    assert identified(replace(plain, **change)) != identified(plain)


def test_other_code_makes_it_another(side: MakeSide) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["code"]["tree"] = "f" * 40

    assert identified(recipe.of(side("A", edit).record)) != identified(recipe.of(side("A").record))


def test_what_changes_no_number_does_not(side: MakeSide) -> None:
    plain = recipe.of(side("A").record)
    told = {"profile": "portable", "cpu": "haswell", "threads": 4}
    one, two = (
        replace(plain, settings={**plain.settings, "numerics": {**told, "vcpu": path}})
        for path in ("/nix/store/1", "/nix/store/2")
    )
    assert identified(one) == identified(two)
    # Of two runs, the same recipe is one trial.
    assert identified(replace(recipe.of(side("B").record), steps=1)) == identified(plain)


def test_what_stood_in_for_the_cpu_must_be_what_was_asked(side: MakeSide, tmp_path: Path) -> None:
    def edit(by: str) -> Any:
        numerics = {"profile": "portable", "cpu": "haswell", "threads": 2, "by": by}
        return lambda document: document["layers"]["settings"].update(numerics=numerics)

    a, b = side("A", edit("vcpu")), side("B", edit("vcpu"))
    ground = Ground(a, b, Packages(a.lock, b.lock, (a.text, b.text), ()), (), 1)
    bench = Bench(tmp_path, Nix(), ground, 0, print)
    assert bench._outcome(a.record, ground.by(()))[0] is Outcome.A
    weaker = side("C", edit("variables")).record
    outcome, reason = bench._outcome(weaker, ground.by(()))
    assert outcome is Outcome.FAILED and "it needs vcpu" in reason
    assert bench._usable(weaker, ground.by(())) is None

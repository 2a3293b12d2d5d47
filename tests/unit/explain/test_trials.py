"""By what a trial is kept: all that makes it another one, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nixrepro.explain.trials import identified
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

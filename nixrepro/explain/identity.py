"""By what a trial is kept: all that makes it another one."""

from __future__ import annotations

import os
from typing import Any

from nixrepro.canonical import digest
from nixrepro.explain.here import Here
from nixrepro.repeat.recipe import Recipe
from nixrepro.repeat.virtual import PORTABLE, stated
from nixrepro.runtime.variables import digests

_FORMAT = 2


def identified(recipe: Recipe) -> dict[str, Any]:
    """What tells a recipe from all others; steps change no number and are not in it."""
    code = recipe.code.document["layers"]["code"]
    # Where a virtual CPU lay is none of the recipe.
    settings = {**recipe.settings, "numerics": stated(recipe.settings.get("numerics") or {})}
    return {
        "format": _FORMAT,
        "code": {name: code.get(name) for name in ("tree", "large", "submodules")},
        "lock": digest(recipe.lock) if recipe.lock else "",
        "project": digest(recipe.project) if recipe.project else "",
        "settings": settings,
        "cpu": digest(list(recipe.cpu)) if recipe.cpu else "",
        "cores": recipe.cores,
        # Absent where there is none, so that trials of before are still known.
        **({"data": dict(recipe.digests)} if recipe.digests else {}),
    }


def key(recipe: Recipe, here: Here, inside: str, control: int) -> str:
    """By what a trial is kept: one of another key might give other numbers.

    Args:
        recipe: what it is made of.
        here: this machine.
        inside: the project's folder in its repository.
        control: which repetition of the very same it is, from 0.
    """
    profile = (recipe.settings.get("numerics") or {}).get("profile")
    machine = {
        "table": list(here.table),
        "cores": here.cores,
        "gpu": dict(here.gpu),
        # Without it variables stand in for a virtual CPU, or there is none.
        "tracing": here.tracing if recipe.cpu or profile == PORTABLE else None,
        "passed": digests(os.environ, recipe.settings.get("passed", {})),
    }
    return digest({**identified(recipe), "inside": inside, "machine": machine, "again": control})

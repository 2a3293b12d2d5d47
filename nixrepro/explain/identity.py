"""By what a trial is kept: all that makes it another one."""

from __future__ import annotations

from typing import Any

from nixrepro.canonical import digest
from nixrepro.repeat.recipe import Recipe
from nixrepro.repeat.virtual import stated

_FORMAT = 1


def identified(recipe: Recipe) -> dict[str, Any]:
    """What tells a recipe from all others; steps change no number and are not in it."""
    code = recipe.code.document["layers"]["code"]
    # Where a virtual CPU lay is none of the recipe.
    settings = {**recipe.settings, "numerics": stated(recipe.settings.get("numerics") or {})}
    return {
        "format": _FORMAT,
        "code": {"tree": code.get("tree"), "large": code.get("large", [])},
        "lock": digest(recipe.lock) if recipe.lock else "",
        "settings": settings,
        "cpu": digest(list(recipe.cpu)) if recipe.cpu else "",
        "cores": recipe.cores,
    }

"""The distributions of a lock's environment: no build tools, no data, nothing of the system."""

from __future__ import annotations

import re

from nixrepro.lock import Artefact, Lock
from nixrepro.names import normalise

HEAD = "# Made by `nixrepro export` from nixrepro.lock, which it does not replace."
_LAYERS = ("accelerator", "wheels")
_BY_URL = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*@")


def distributions(lock: Lock) -> list[Artefact]:
    """The wheels and sdists of the environment itself, by name."""
    found = [each for each in lock.artefacts if each.layer in _LAYERS and not each.role]
    return sorted(found, key=lambda each: (each.name, each.version))


def by_url(lock: Lock) -> set[str]:
    """The names of those that are asked for by a URL, which an index need not know."""
    wheels = lock.question.get("wheels", {})
    lines = [*wheels.get("requirements", ()), *wheels.get("pins", ())]
    named = {normalise(found[1]) for line in lines if (found := _BY_URL.match(line))}
    return {each.name for each in distributions(lock) if each.url and each.name in named}


def python_series(lock: Lock) -> str:
    """The "3.11" of a lock's Python 3.11.2."""
    return ".".join(lock.python.split(".")[:2])

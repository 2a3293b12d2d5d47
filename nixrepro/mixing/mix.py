"""Makes a lock of two: the first one's, with some units taken from the second."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from nixrepro.lock import Artefact, Lock, order
from nixrepro.mixing.units import Unit

_PYTHON = re.compile(r"python3\.\d+")


def mixed(a: Lock, b: Lock, units: Collection[Unit], chosen: Iterable[int]) -> Lock:
    """A with some units taken from B; question and date stay A's.

    Args:
        a: the lock that the units are put into.
        b: the lock that they are taken from.
        units: all in which these differ.
        chosen: indexes of those to take, with all that they need.
    """
    known = tuple(units)
    taken = [entry for number in set(chosen) for entry in known[number].entries]
    keys = {entry.key for entry in taken}
    moved = [each for each in a.artefacts if (each.layer, each.role, each.name) in keys]
    kept = [each for each in a.artefacts if (each.layer, each.role, each.name) not in keys]
    new = [artefact for entry in taken for artefact in entry.new]
    artefacts = _built(kept, moved, new, b)
    glibc = any(entry.name == "libc6" and not entry.role for entry in taken)
    python = any(_PYTHON.fullmatch(each.name) and each.layer == "system" for each in new)
    return replace(
        a,
        glibc=b.glibc if glibc else a.glibc,
        python=b.python if python else a.python,
        artefacts=tuple(sorted(_named(artefacts), key=order)),
    )


def _built(
    kept: list[Artefact], moved: list[Artefact], new: list[Artefact], b: Lock
) -> list[Artefact]:
    """All artefacts, with what the distributions from B are built with, and not the moved ones."""
    staying = {word for each in kept for word in each.build}
    leaving = {word for each in moved for word in each.build} - staying
    wanted = {word for each in new for word in each.build}
    found = [each for each in kept if each.role != "build" or _word(each) not in leaving]
    there = {_word(each) for each in found if each.role == "build"}
    brought = [each for each in b.artefacts if each.role == "build" and _word(each) in wanted]
    return [*found, *new, *(each for each in brought if _word(each) not in there)]


def _word(artefact: Artefact) -> str:
    return f"{artefact.name}=={artefact.version}"


def _named(artefacts: list[Artefact]) -> list[Artefact]:
    """The artefacts, each with only those dependencies that are there."""
    groups: dict[tuple[str, str], set[str]] = {}
    for each in artefacts:
        groups.setdefault((each.layer, each.role), set()).add(each.name)

    def there(artefact: Artefact) -> set[str]:
        own = groups[artefact.layer, artefact.role]
        if artefact.role != "observer":
            return own
        return own | groups.get((artefact.layer, ""), set())

    return [
        replace(each, dependencies=tuple(n for n in each.dependencies if n in there(each)))
        for each in artefacts
    ]

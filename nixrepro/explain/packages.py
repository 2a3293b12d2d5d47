"""The differences of two locks as units, and the lock that has some of them from the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import mixing
from nixrepro.errors import FetchError
from nixrepro.explain.model import Unit
from nixrepro.explain.sides import Side
from nixrepro.lock import Artefact, Lock, dumps, order, store_name
from nixrepro.mixing.stated import Stated, own

if TYPE_CHECKING:
    from nixrepro.nix import Nix

# More of one layer than these are tried as a whole; `nixrepro bisect` takes them apart.
APART = 8
_DIGITS = 12
_LAYERS = ("system", "accelerator", "wheels")


@dataclass(frozen=True)
class Packages:
    """What the locks of two runs differ in, as `mixing` takes it apart.

    Args:
        a: the first lock; None where one of both can't be had.
        b: the second one.
        texts: both, as their files say them.
        parts: what moves together.
    """

    a: Lock | None
    b: Lock | None
    texts: tuple[str, str]
    parts: tuple[mixing.Unit, ...]

    def text(self, parts: Collection[int], data: Collection[str]) -> str:
        """The text of the first lock with some of its parts, and some data, from the second."""
        if self.a is None or self.b is None:
            return self.texts[0]
        moved = mixing.closed(self.parts, frozenset(parts))
        names = _differing(self.a, self.b)
        if not moved and not names & set(data):
            return self.texts[0]
        if len(moved) == len(self.parts) and names <= set(data):
            return self.texts[1]
        mixed = mixing.mixed(self.a, self.b, self.parts, moved)
        kept = [
            each for each in mixed.artefacts if not (each.layer == "data" and each.name in data)
        ]
        kept += [each for each in _data(self.b) if each.name in data]
        return dumps(replace(mixed, artefacts=tuple(sorted(kept, key=order))))


def packages(a: Side, b: Side, requirements: Callable[[Artefact], Stated]) -> Packages:
    """What the locks of two runs differ in.

    Args:
        a: the first run.
        b: the second run.
        requirements: what an artefact demands of others.
    """
    if a.lock is None or b.lock is None:
        return Packages(None, None, (a.text, b.text), ())
    parts = mixing.units(_without_data(a.lock), _without_data(b.lock), requirements)
    return Packages(a.lock, b.lock, (a.text, b.text), parts)


def units(found: Packages) -> tuple[Unit, ...]:
    """One for each part, or for all those of a layer that has too many."""
    made: list[Unit] = []
    for layer in _LAYERS:
        places = [place for place, part in enumerate(found.parts) if part.layer == layer]
        if len(places) <= APART:
            made += [_unit(found.parts[place], frozenset({place})) for place in places]
            continue
        names = tuple(name for place in places for name in found.parts[place].names)
        label = f"{len(names)} packages of the {layer} layer"
        made.append(Unit(layer, layer, label, parts=frozenset(places), more=names))
    return tuple(made)


def _unit(part: mixing.Unit, places: frozenset[int]) -> Unit:
    first = part.entries[0]
    old, new = (", ".join(e.version for e in each) or "none" for each in (first.old, first.new))
    if old == new:  # of one version, but not the same file
        old, new = (each[0].sha256[:_DIGITS] for each in (first.old, first.new))
    key = f"{part.layer}.{first.name}"
    return Unit(part.layer, key, first.name, old, new, parts=places, more=part.names)


def closed(found: Packages, units: Sequence[Unit]) -> Callable[[frozenset[int]], frozenset[int]]:
    """A function that adds to some of the units, by their places, those that they need."""

    def add(chosen: frozenset[int]) -> frozenset[int]:
        moved = mixing.closed(found.parts, frozenset().union(*(units[n].parts for n in chosen)))
        needed = (n for n, unit in enumerate(units) if unit.parts and unit.parts <= moved)
        return chosen.union(needed)

    return add


def demands(nix: Nix, a: Side, b: Side) -> Callable[[Artefact], Stated]:
    """What artefacts of two locks demand of others: by their files, else as the locks know it."""

    def place(artefact: Artefact) -> Path:
        return Path(nix.store_path(store_name(artefact.file), artefact.sha256))

    read = mixing.reader(place, tuple(side.lock.python for side in (a, b) if side.lock))

    def stated(artefact: Artefact) -> Stated:
        try:
            return read(artefact)
        except FetchError:
            return own(artefact)

    return stated


def _without_data(lock: Lock) -> Lock:
    kept = tuple(each for each in lock.artefacts if each.layer != "data")
    return replace(lock, artefacts=kept)


def _data(lock: Lock) -> list[Artefact]:
    return [each for each in lock.artefacts if each.layer == "data"]


def _differing(a: Lock, b: Lock) -> set[str]:
    """Names of the data that two locks pin otherwise."""
    old, new = ({each.name: each for each in _data(lock)} for lock in (a, b))
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}

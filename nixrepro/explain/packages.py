"""The differences of two locks as units, and the lock that has some of them from the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from nixrepro import mixing
from nixrepro.explain.model import Unit
from nixrepro.explain.sides import Side
from nixrepro.lock import Artefact, Lock, dumps, order
from nixrepro.mixing.stated import Stated
from nixrepro.names import counted

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
    """One for each part, or for all those of a layer that has too many.

    Parts that are only added, where some need others, are one; so are those that are only removed.
    """
    made: list[Unit] = []
    for layer in _LAYERS:
        groups = [each for each in _groups(found.parts) if found.parts[each[0]].layer == layer]
        if len(groups) <= APART:
            made += [_unit([found.parts[n] for n in each], frozenset(each)) for each in groups]
            continue
        places = sorted(place for group in groups for place in group)
        names = tuple(name for place in places for name in found.parts[place].names)
        label = f"{len(names)} packages of the {layer} layer"
        made.append(Unit(layer, layer, label, parts=frozenset(places), more=names))
    return tuple(made)


def _groups(parts: Sequence[mixing.Unit]) -> list[list[int]]:
    """The parts that are one difference, by their places."""
    group = {place: place for place in range(len(parts))}
    for place, part in enumerate(parts):
        for other in part.needs:
            sort = _sort(part)
            if sort and (sort, part.layer) == (_sort(parts[other]), parts[other].layer):
                old, new = group[place], group[other]
                group = {each: new if number == old else number for each, number in group.items()}
    found: dict[int, list[int]] = {}
    for place, number in group.items():
        found.setdefault(number, []).append(place)
    return list(found.values())


def _sort(part: mixing.Unit) -> str:
    """Whether its entries are all only added, or only removed; "" for any other."""
    if not any(each.old for each in part.entries):
        return "added"
    return "removed" if not any(each.new for each in part.entries) else ""


def _unit(parts: Sequence[mixing.Unit], places: frozenset[int]) -> Unit:
    first, names = parts[0].entries[0], parts[0].names
    label = first.name
    everything = [entry for part in parts for entry in part.entries if not entry.role]
    if _sort(parts[0]) and len(everything) > 1:
        first = _leading(everything)
        rest = dict.fromkeys(name for part in parts for name in part.names if name != first.name)
        names = (first.name, *rest)
        label = f"{first.name} and {counted(len(rest), 'package')} with it"
    old, new = (", ".join(e.version for e in each) or "none" for each in (first.old, first.new))
    if old == new:  # of one version, but not the same file
        old, new = (each[0].sha256[:_DIGITS] for each in (first.old, first.new))
    return Unit(
        *(parts[0].layer, f"{parts[0].layer}.{first.name}", label, old, new),
        parts=places,
        more=names,
    )


def _leading(entries: Sequence[mixing.Entry]) -> mixing.Entry:
    """Of what is only added or removed that which the others are there for."""
    needed = {
        each.name: {name for one in (*each.old, *each.new) for name in one.dependencies}
        for each in entries
    }
    reach = {name: {name} for name in needed}
    for _ in needed:
        for found in reach.values():
            found |= {n for each in found & needed.keys() for n in needed[each] & needed.keys()}

    def place(entry: mixing.Entry) -> tuple[int, int, str]:
        needing = sum(entry.name in found for found in reach.values())
        return needing, -len(reach[entry.name]), entry.name

    return min(entries, key=place)


def closed(found: Packages, units: Sequence[Unit]) -> Callable[[frozenset[int]], frozenset[int]]:
    """A function that adds to some of the units, by their places, those that they need."""

    def add(chosen: frozenset[int]) -> frozenset[int]:
        moved = mixing.closed(found.parts, frozenset().union(*(units[n].parts for n in chosen)))
        needed = (n for n, unit in enumerate(units) if unit.parts and unit.parts <= moved)
        return chosen.union(needed)

    return add


def _without_data(lock: Lock) -> Lock:
    kept = tuple(each for each in lock.artefacts if each.layer != "data")
    return replace(lock, artefacts=kept)


def _data(lock: Lock) -> list[Artefact]:
    return [each for each in lock.artefacts if each.layer == "data"]


def _differing(a: Lock, b: Lock) -> set[str]:
    """Names of the data that two locks pin otherwise."""
    old, new = ({each.name: each for each in _data(lock)} for lock in (a, b))
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}

"""Which differing entries must move together: a unit is taken from the other lock whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from nixrepro.lock import Lock
from nixrepro.mixing.bonds import bonds
from nixrepro.mixing.entries import Entry, entries, minor
from nixrepro.mixing.stated import Stated

_NAMED = 3


@dataclass(frozen=True)
class Unit:
    """A group of entries that only together fit what is around them.

    Args:
        names: of the entries in the environment, the one that most others stand on first.
        layer: of that one.
        entries: all of them, in the same order, what unpacks last.
        needs: indexes of units that must move too when this one does.
    """

    names: tuple[str, ...]
    layer: str
    entries: tuple[Entry, ...]
    needs: frozenset[int] = frozenset()

    def __str__(self) -> str:
        first = self.entries[0]
        others = list(self.names[1:])
        more = len(others) - _NAMED
        if more > 1:
            others = [*others[:_NAMED], f"{more} more"]
        joined = (
            f"{', '.join(others[:-1])} and {others[-1]}" if len(others) > 1 else "".join(others)
        )
        return f"{first.name} {first.moves}" + (f" (and {joined})" if joined else "")


def units(a: Lock, b: Lock, requirements: Callable[..., Stated]) -> tuple[Unit, ...]:
    """The units in which two locks differ, in the order of a lock.

    Args:
        a: the lock that the units are put into.
        b: the lock that they are taken from.
        requirements: what an `Artefact` states of others.
    """
    found = entries(a, b)
    edges = bonds(a, b, found, requirements)
    if minor(a) != minor(b):
        _tie(edges, [place for place, each in enumerate(found) if _of_python(each, a, b)])
    while _adopt(edges, found):
        pass  # what was adopted may have adopted others
    groups = _groups(edges)
    number = {place: index for index, group in enumerate(groups) for place in group}
    made = []
    for index, group in enumerate(groups):
        needs = {number[other] for place in group for other in edges[place]} - {index}
        members = _ordered([found[place] for place in group])
        names = tuple(dict.fromkeys(each.name for each in members if not each.role))
        made.append(Unit(names, members[0].layer, members, frozenset(needs)))
    return tuple(made)


def closed(units: Collection[Unit], chosen: Iterable[int]) -> frozenset[int]:
    """Some units with all that they need."""
    known = tuple(units)
    found, waiting = set[int](), list(chosen)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting += known[number].needs
    return frozenset(found)


def _of_python(entry: Entry, a: Lock, b: Lock) -> bool:
    """Whether an entry is part of the Python that moves: its name, or what unpacks for it."""
    named = {"python3", f"python{minor(a)}", f"python{minor(b)}"}
    return bool(entry.role) or (entry.layer == "system" and entry.name in named)


def _tie(edges: list[set[int]], places: list[int]) -> None:
    """Have some entries move together."""
    for one, two in zip(places, places[1:] + places[:1], strict=True):
        if one != two:
            edges[one].add(two)


def _adopt(edges: list[set[int]], found: tuple[Entry, ...]) -> bool:
    """Have what is only added for one group, or leaves with one, belong to it; whether any did."""
    groups = _groups(edges)
    number = {place: index for index, group in enumerate(groups) for place in group}
    needs: dict[int, set[int]] = {index: set() for index in range(len(groups))}
    needing: dict[int, set[int]] = {index: set() for index in range(len(groups))}
    for place, others in enumerate(edges):
        for other in others:
            one, two = number[place], number[other]
            if one != two:
                needs[one].add(two)
                needing[two].add(one)
    for index, group in enumerate(groups):
        if all(not found[place].old for place in group) and len(needing[index]) == 1:
            (other,) = needing[index]
        elif all(not found[place].new for place in group) and len(needs[index]) == 1:
            (other,) = needs[index]
        else:
            continue
        _tie(edges, [group[0], groups[other][0]])
        return True
    return False


def _groups(edges: list[set[int]]) -> list[list[int]]:
    """The entries that need each other, directly or through others; by their first one."""
    reach = [_reached(edges, place) for place in range(len(edges))]
    groups: list[list[int]] = []
    seen: set[int] = set()
    for place, reached in enumerate(reach):
        if place not in seen:
            group = sorted(other for other in reached if place in reach[other])
            seen.update(group)
            groups.append(group)
    return groups


def _reached(edges: list[set[int]], start: int) -> set[int]:
    found, waiting = {start}, [start]
    while waiting:
        new = edges[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _leads(entry: Entry) -> bool:
    """Whether people think of the whole group by its name."""
    return entry.layer == "system" and not entry.role and entry.name == "python3"


def _ordered(members: list[Entry]) -> tuple[Entry, ...]:
    """What is in both locks first, and of that what most others stand on."""

    def place(entry: Entry) -> tuple[bool, bool, bool, int, int, str]:
        standing = sum(
            entry.name in artefact.dependencies
            for other in members
            if other.layer == entry.layer
            for artefact in (*other.old, *other.new)
        )
        moved = bool(entry.old and entry.new)
        return (
            bool(entry.role),
            not _leads(entry),
            not moved,
            -standing,
            len(entry.name),
            entry.name,
        )

    return tuple(sorted(members, key=place))

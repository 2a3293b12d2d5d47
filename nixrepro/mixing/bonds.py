"""What differing entries demand of each other: which must move when another one does.

Both locks are sound as they are. In a mix of them a need or refusal may be broken where only one
of an entry's two versions meets it:

- p of B needs q, and only B's q will do: p takes q along.
- p of A needs q, and only A's q will do: q takes p along.
- p of B refuses A's q: p takes q along; p of A refuses B's q: q takes p along.
- what both locks have needs x or y, where only A has x and only B has y: x takes y along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from nixrepro.lock import Artefact, Lock
from nixrepro.mixing.entries import Entry
from nixrepro.mixing.stated import DEB, DIST, PYTHON, Stated, Wish, tagged

Key = tuple[str, str]  # kind and name; the layers that hold distributions share their names


@dataclass(frozen=True)
class _Side:
    """What one lock's environment has, by kind and name."""

    artefacts: dict[Key, Artefact]
    stated: Callable[[Artefact], Stated]
    offered: dict[Key, list[Key]]

    def meeting(self, wish: Wish, asker: Artefact) -> list[Key]:
        """What meets a wish: what has that name, provides it, or what the lock took for it."""
        known = [(wish.kind, wish.name), *self.offered.get((wish.kind, wish.name), ())]
        if wish.kind != PYTHON:
            known += [(wish.kind, name) for name in asker.dependencies]
        return [
            key
            for key in dict.fromkeys(known)
            if key in self.artefacts and self.stated(self.artefacts[key]).meets(wish)
        ]


def bonds(
    a: Lock, b: Lock, found: tuple[Entry, ...], requirements: Callable[[Artefact], Stated]
) -> list[set[int]]:
    """For each entry the places of those that must move when it does.

    Args:
        a: the lock that entries are put into.
        b: the lock that they are taken from.
        found: the entries in which they differ.
        requirements: what an artefact states; asked of those that differ and of what stands on
            them, once for each.
    """
    known: dict[tuple[str, str], Stated] = {}

    def stated(artefact: Artefact) -> Stated:
        key = (artefact.file, artefact.sha256)
        if key not in known:
            known[key] = requirements(artefact)
        return known[key]

    places = {_key(_one(each)): place for place, each in enumerate(found) if not each.role}
    sides = [_side(lock, places, _with_tools(lock, stated)) for lock in (a, b)]
    edges: list[set[int]] = [set() for _ in found]
    for place, entry in enumerate(found):
        if not entry.role:
            for state, artefacts in enumerate((entry.old, entry.new)):
                for artefact in artefacts:
                    for one, two in _of_moving(artefact, state, place, sides, places):
                        edges[one].add(two)
    for artefact in _standing(sides[0], places):
        for one, two in _of_staying(artefact, sides, places):
            edges[one].add(two)
    for place, others in enumerate(edges):
        others.discard(place)
    return edges


def _with_tools(lock: Lock, stated: Callable[[Artefact], Stated]) -> Callable[[Artefact], Stated]:
    """The same, with what a source needs for the wheels that it is built with."""
    tools = {
        f"{each.name}=={each.version}": each for each in lock.artefacts if each.role == "build"
    }

    def whole(artefact: Artefact) -> Stated:
        found = stated(artefact)
        needs = [each for word in artefact.build for each in tagged(tools[word].file)]
        return replace(found, needs=(*found.needs, *needs)) if needs else found

    return whole


def _of_moving(
    artefact: Artefact, state: int, place: int, sides: list[_Side], places: dict[Key, int]
) -> Iterator[tuple[int, int]]:
    """What one version of an entry asks for: pairs, of which the first takes the second along.

    Args:
        artefact: that version.
        state: 0 if it is A's, 1 if it is B's.
        place: of the entry.
        sides: A and B.
        places: of all entries.
    """
    stated = sides[state].stated(artefact)
    for choice in stated.needs:
        here, there = (_meeting(sides[side], choice, artefact) for side in (state, 1 - state))
        if not here or set(here) & set(there):
            continue
        other = places.get(here[0])
        if other is not None:
            yield (place, other) if state else (other, place)
    for wish in stated.refuses:
        for key in sides[1 - state].meeting(wish, artefact):
            other = places.get(key)
            if other is not None and other != place:
                yield (place, other) if state else (other, place)


def _of_staying(
    artefact: Artefact, sides: list[_Side], places: dict[Key, int]
) -> Iterator[tuple[int, int]]:
    """What is in both locks may need what another entry stands for in each."""
    for choice in sides[0].stated(artefact).needs:
        before, after = (_meeting(side, choice, artefact) for side in sides)
        if before and after and not set(before) & set(after):
            yield places[before[0]], places[after[0]]


def _meeting(side: _Side, choice: tuple[Wish, ...], asker: Artefact) -> list[Key]:
    found = [key for wish in choice for key in side.meeting(wish, asker)]
    return list(dict.fromkeys(found))


def _standing(side: _Side, places: dict[Key, int]) -> Iterator[Artefact]:
    """What is alike in both locks and stands on something that is not."""
    for key, artefact in side.artefacts.items():
        if key not in places and any((key[0], name) in places for name in artefact.dependencies):
            yield artefact


def _side(lock: Lock, places: dict[Key, int], stated: Callable[[Artefact], Stated]) -> _Side:
    artefacts = {_key(each): each for each in lock.artefacts if not each.role}
    offered: dict[Key, list[Key]] = {}
    for key, artefact in artefacts.items():
        # What stays is asked only where its own name, or the lock, says that it matters.
        if key in places or _maybe_python(key):
            for offer in stated(artefact).offers:
                offered.setdefault((offer.kind, offer.name), []).append(key)
    return _Side(artefacts, stated, offered)


def _key(artefact: Artefact) -> Key:
    return ({"deb": DEB, "file": "file", "folder": "file"}.get(artefact.kind, DIST), artefact.name)


def _one(entry: Entry) -> Artefact:
    return (*entry.new, *entry.old)[0]


def _maybe_python(key: Key) -> bool:
    return key[0] == DEB and key[1].startswith("python3.")

"""How many trials an explanation takes at most, where one difference alone is the cause; pure."""

from __future__ import annotations

from collections.abc import Callable

Chosen = frozenset[int]


def most(number: int, closed: Callable[[Chosen], Chosen]) -> int:
    """How many trials `prove` asks for at most, where one of so many differences is the cause.

    Args:
        number: of the differences.
        closed: some of them with all that they need.
    """
    every = frozenset(range(number))
    alone = {closed(frozenset({place})) for place in every}
    needed = {needs(place, closed) for place in every} - {frozenset()}
    # All but the cause are one more, unless that is known; what the cause needs may be it, too.
    pairs = [(each, closed(every - each)) for each in alone | needed]
    rests = {rest for cause, rest in pairs if rest and not rest & cause}
    known = {every} | alone | needed
    return len(known) + bool(rests - known)


def needs(place: int, closed: Callable[[Chosen], Chosen]) -> Chosen:
    """What a difference can't be had without, itself left out, and what needs it in turn."""
    others = closed(frozenset({place})) - {place}
    closures = (closed(frozenset({each})) for each in others)
    return frozenset[int]().union(*(each for each in closures if place not in each))

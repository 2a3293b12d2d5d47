"""The parts of a search and what each needs: their order, and the sets that are worth a trial."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nixrepro.delta.model import Chosen, Closure


class Parts:
    """The numbers below a count, with what each of them needs."""

    def __init__(self, count: int, closed: Closure) -> None:
        """Have the parts.

        Args:
            count: how many there are.
            closed: a set with all that its parts need.
        """
        self.all: Chosen = frozenset(range(count))
        self.closed = closed
        self.alone = {part: closed(frozenset({part})) for part in range(count)}
        self.order = self._sorted()

    @property
    def needy(self) -> bool:
        """Whether any part needs another."""
        return any(len(needed) > 1 for needed in self.alone.values())

    def without(self, top: Chosen, parts: Chosen) -> Chosen:
        """The largest set within another one that has none of some parts."""
        return frozenset(part for part in top if not self.alone[part] & parts)

    def largest(self, top: Chosen) -> list[Chosen]:
        """The largest sets within one: it without one part that no other part there needs."""
        parts = [part for part in self.order if part in top]
        found = list(dict.fromkeys(self.without(top, frozenset({part})) for part in parts))
        return [each for each in found if not any(each < other for other in found)]

    def between(self, ground: Chosen, top: Chosen, pieces: int, *, spread: bool) -> list[Chosen]:
        """Sets between two, those that say most first.

        Args:
            ground: the smaller set.
            top: the larger one.
            pieces: into how many the parts between them are cut.
            spread: whether to have each piece by itself too, and all but it.
        """
        parts = [part for part in self.order if part in top - ground]
        size = min(pieces, len(parts))
        cuts = [len(parts) * number // size for number in range(size + 1)]
        sets = [self.closed(ground.union(parts[:cut])) for cut in cuts[1:-1]]
        if spread:
            runs = [frozenset(parts[start:end]) for start, end in pairwise(cuts)]
            sets += [self.closed(ground | run) for run in runs]
            sets += [self.without(top, run) | ground for run in runs]
        return [each for each in dict.fromkeys(sets) if ground < each < top]

    def _sorted(self) -> Sequence[int]:
        """The parts, each behind all that it needs; else as they came."""
        order: dict[int, None] = {}
        for part, needed in self.alone.items():
            # Those with the fewest needs first, since what these need is among them.
            for other in sorted(needed - {part}, key=lambda each: (len(self.alone[each]), each)):
                order.setdefault(other)
            order.setdefault(part)
        return list(order)

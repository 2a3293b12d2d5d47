"""Finds the smallest set of differences that makes A's numbers B's, in few trials: delta debugging.

Whoever looks for one guilty part among many can halve them: take the first half from B and look.
Here several such trials go side by side. With two of them the parts fall into thirds: the first
third from B, and the first two thirds. The first trial that gives B's numbers holds the guilty
part, the one before it does not. So 40 parts take 8 such trials where halves, each tried by
itself, take 12.

What is found that way was found beside all parts that stood before it. So it is tried alone; if
that isn't enough, it works only together with others, which are looked for in the same way while
it is there. A mix that can't be built, or whose program fails, says nothing: then other mixes are
tried, of finer parts, and with parts left out. In the end nothing of what was found can be left
out; each such lack is tried itself, not concluded.

Source: A. Zeller, "Yesterday, my program worked. Today, it does not. Why?" (ESEC/FSE 1999), for
interference, unresolved outcomes and finer parts; U. Junker, "QuickXplain" (AAAI 2004), for
finding one part after the other on what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations, pairwise

Chosen = frozenset[int]
Closure = Callable[[Chosen], Chosen]

_PAIRED = 5


class Outcome(Enum):
    """What a mix of A and B computes: A's numbers, B's, others, or nothing at all."""

    A = "A"
    B = "B"
    OTHER = "OTHER"
    FAILED = "FAILED"


class Enough(Exception):
    """Raised by a test to end the search where it is."""


@dataclass(frozen=True)
class Step:
    """Where a search is, told before each batch of trials.

    Args:
        batch: the sets that are tried next, side by side.
        done: how many trials there were.
        most: how many there are in the end at most, if only one more part is found; 0 where mixes
            that fail leave that open.
        left: the parts among which the next one is looked for.
        found: the parts that are found already.
    """

    batch: tuple[Chosen, ...]
    done: int
    most: int
    left: Chosen
    found: Chosen


@dataclass(frozen=True)
class Found:
    """What a search found.

    Args:
        minimal: parts that, taken from B, give B's numbers; with what they need. Empty where B's
            numbers are A's.
        trials: how many sets were tried.
        complete: whether `minimal` is known to be minimal: False where it was ended before.
        tested: every set that was tried, with its outcome.
        lacking: the largest sets within `minimal`, each with its outcome; none of them B's.
    """

    minimal: Chosen
    trials: int
    complete: bool
    tested: dict[Chosen, Outcome] = field(default_factory=dict)
    lacking: dict[Chosen, Outcome] = field(default_factory=dict)


def search(
    count: int,
    closed: Closure,
    test: Callable[[Sequence[Chosen]], Sequence[Outcome]],
    *,
    at_once: int = 2,
    watch: Callable[[Step], None] = lambda step: None,
) -> Found:
    """Find a smallest set of parts that gives B's numbers.

    Args:
        count: how many parts there are; they are the numbers below it.
        closed: a set with all that its parts need.
        test: the outcomes of several sets, in their order; it may run them side by side. It is
            never asked for the same set twice. It may raise `Enough`.
        at_once: how many to ask for at a time; with more there are fewer rounds, of more trials.
        watch: is told of each batch before it is tried.
    """
    return _Search(count, closed, test, max(1, at_once), watch).run()


def most(parts: int, at_once: int = 2) -> int:
    """How many trials narrow so many parts down to one, at most."""
    trials = 0
    while parts > 1:
        cuts = min(at_once, parts - 1)
        trials += cuts
        parts = -(-parts // (cuts + 1))
    return trials


class _Search:
    """The state of one search: what is known of which set."""

    def __init__(
        self,
        count: int,
        closed: Closure,
        test: Callable[[Sequence[Chosen]], Sequence[Outcome]],
        at_once: int,
        watch: Callable[[Step], None],
    ) -> None:
        self._closed = closed
        self._test = test
        self._at_once = at_once
        self._watch = watch
        self._known: dict[Chosen, Outcome] = {}
        self._all = frozenset(range(count))
        self._order = _sorted(count, closed)
        self._needed = {part: closed(frozenset({part})) for part in range(count)}
        self._failing = False
        # What is known to give B's numbers, and what of it was found to matter.
        self._best = self._all
        self._found: Chosen = frozenset()

    def run(self) -> Found:
        nothing: Chosen = frozenset()
        complete = False
        try:
            self._ask([nothing, self._all], self._all)
            if self._known[self._all] is not Outcome.B or self._known[nothing] is Outcome.FAILED:
                self._best = nothing
                complete = Outcome.FAILED not in self._known.values()
            else:
                self._find()
                self._shrink()
                complete = True
        except Enough:
            giving = (each for each, outcome in self._known.items() if outcome is Outcome.B)
            self._best = min(giving, key=len, default=self._all)
        lacking = {each: self._known[each] for each in self._without() if each in self._known}
        return Found(self._best, len(self._known), complete, dict(self._known), lacking)

    def _find(self) -> None:
        """Have in `_best` a set of parts of which each was needed when it was found."""
        while True:
            ground, self._best = self._narrow(self._found, self._best)
            new = self._closed(self._found | (self._best - ground))
            if new != self._best:
                # It was found beside others; is it enough alone?
                self._ask([new], new - self._found, last=True)
            if self._known[new] is Outcome.B:
                self._best = new
                return
            self._found = new

    def _narrow(self, ground: Chosen, top: Chosen) -> tuple[Chosen, Chosen]:
        """From a set without B's numbers to a larger one with them: as close as they come.

        What lies below a set that lacks B's numbers is taken to lack them too; what is found that
        way is checked in the end.
        """
        pieces = self._at_once + 1
        while True:
            ground, top = before = self._closer(ground, top)
            left = top - ground
            if len(left) <= 1:
                return before
            for batch in self._batches(ground, top, pieces):
                self._ask(batch, left)
                if self._closer(ground, top) != before:
                    pieces = max(self._at_once + 1, pieces // 2)
                    break
            else:
                if pieces >= len(left):
                    return before  # nothing between them can be had
                self._failing = True
                pieces *= 2

    def _closer(self, ground: Chosen, top: Chosen) -> tuple[Chosen, Chosen]:
        """The same by all that is known: a smaller set with B's numbers, a larger one without."""
        giving = [each for each, outcome in self._known.items() if outcome is Outcome.B]
        top = min([top, *(each for each in giving if ground < each)], key=len)
        lacking = (e & top for e, o in self._known.items() if o in (Outcome.A, Outcome.OTHER))
        return max([ground, *(each for each in lacking if ground <= each < top)], key=len), top

    def _batches(self, ground: Chosen, top: Chosen, pieces: int) -> Iterator[list[Chosen]]:
        """Sets between two that are not known, those that say most first; several at a time."""
        parts = [part for part in self._order if part in top - ground]
        size = min(pieces, len(parts))
        cuts = [len(parts) * number // size for number in range(size + 1)]
        sets = [self._closed(ground.union(parts[:cut])) for cut in cuts[1:-1]]
        if pieces > self._at_once + 1:  # those of larger pieces failed
            runs = [frozenset(parts[start:end]) for start, end in pairwise(cuts)]
            sets += [self._closed(ground | run) for run in runs]
            sets += [self._largest_without(top, run) | ground for run in runs]
        sets = [each for each in dict.fromkeys(sets) if ground < each < top]
        fresh = [each for each in sets if each not in self._known]
        for start in range(0, len(fresh), self._at_once):
            yield fresh[start : start + self._at_once]

    def _shrink(self) -> None:
        """Leave out of `_best` whatever can be left out; each thing that can't was tried."""
        while True:
            ways = self._without()
            self._ask(ways, frozenset())
            smaller = [each for each in ways if self._known[each] is Outcome.B]
            if not smaller:
                smaller = self._without_two(ways)
            if not smaller:
                return
            self._best = min(smaller, key=len)

    def _without_two(self, ways: Sequence[Chosen]) -> list[Chosen]:
        """What fails without each of two parts may do without both, which nobody knew to fit."""
        failed = [each for each in ways if self._known[each] is Outcome.FAILED][:_PAIRED]
        pairs = [one & two for one, two in combinations(failed, 2)]
        self._ask(pairs, frozenset())
        return [each for each in pairs if self._known[each] is Outcome.B]

    def _without(self) -> list[Chosen]:
        """The largest sets within `_best`: it without one part that no other part there needs."""
        parts = [part for part in self._order if part in self._best]
        ways = (self._largest_without(self._best, frozenset({part})) for part in parts)
        found = list(dict.fromkeys(ways))
        return [each for each in found if not any(each < other for other in found)]

    def _largest_without(self, top: Chosen, parts: Chosen) -> Chosen:
        return frozenset(part for part in top if not self._needed[part] & parts)

    def _ask(self, sets: Sequence[Chosen], left: Chosen, *, last: bool = False) -> None:
        new = tuple(each for each in dict.fromkeys(sets) if each not in self._known)
        if new:
            bound = 0 if self._failing else self._bound(len(new), 1 if last else len(left))
            self._watch(Step(new, len(self._known), bound, left, self._found))
            self._known.update(zip(new, self._test(new), strict=True))

    def _bound(self, new: int, left: int) -> int:
        """How many trials there are in the end at most, if one part of those left is guilty."""
        # It is tried alone, and if it needs others, these are tried without it.
        checks = 1 + any(len(needed) > 1 for needed in self._needed.values()) if left else 0
        controls = 0 if self._known else new
        return len(self._known) + max(new, controls + most(left, self._at_once) + checks)


def _sorted(count: int, closed: Closure) -> list[int]:
    """The parts, each behind all that it needs; else as they came."""
    order: dict[int, None] = {}

    def add(part: int) -> None:
        needed = closed(frozenset({part})) - {part}
        # Those with the fewest needs first, since what these need is among them.
        for other in sorted(needed, key=lambda each: (len(closed(frozenset({each}))), each)):
            order.setdefault(other)
        order.setdefault(part)

    for part in range(count):
        add(part)
    return list(order)

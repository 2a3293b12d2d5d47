"""The search itself: what is asked next, by all that is known so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from nixrepro.delta.model import Chosen, Closure, Enough, Found, Outcome, Step, Test
from nixrepro.delta.parts import Parts

_PAIRED = 5


def search(
    count: int,
    closed: Closure,
    test: Test,
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
    return _Search(Parts(count, closed), test, max(1, at_once), watch).run()


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
        self, parts: Parts, test: Test, at_once: int, watch: Callable[[Step], None]
    ) -> None:
        self._parts = parts
        self._test = test
        self._at_once = at_once
        self._watch = watch
        self._known: dict[Chosen, Outcome] = {}
        self._failing = False
        # What is known to give B's numbers, and what of it was found to matter.
        self._best = parts.all
        self._found: Chosen = frozenset()

    def run(self) -> Found:
        nothing: Chosen = frozenset()
        whole = self._parts.all
        complete = False
        try:
            self._ask([nothing, whole], whole)
            if self._known[whole] is not Outcome.B or self._known[nothing] is Outcome.FAILED:
                self._best = nothing
                complete = Outcome.FAILED not in self._known.values()
            else:
                self._find()
                self._shrink()
                complete = True
        except Enough:
            giving = (each for each, outcome in self._known.items() if outcome is Outcome.B)
            self._best = min(giving, key=len, default=whole)
        ways = self._parts.largest(self._best)
        lacking = {each: self._known[each] for each in ways if each in self._known}
        return Found(self._best, len(self._known), complete, dict(self._known), lacking)

    def _find(self) -> None:
        """Have in `_best` a set of parts of which each was needed when it was found."""
        while True:
            ground, self._best = self._narrow(self._found, self._best)
            new = self._parts.closed(self._found | (self._best - ground))
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
        # Where those of larger pieces failed, pieces are tried by themselves too.
        spread = pieces > self._at_once + 1
        sets = self._parts.between(ground, top, pieces, spread=spread)
        fresh = [each for each in sets if each not in self._known]
        for start in range(0, len(fresh), self._at_once):
            yield fresh[start : start + self._at_once]

    def _shrink(self) -> None:
        """Leave out of `_best` whatever can be left out; each thing that can't was tried."""
        while True:
            ways = self._parts.largest(self._best)
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

    def _ask(self, sets: Sequence[Chosen], left: Chosen, *, last: bool = False) -> None:
        new = tuple(each for each in dict.fromkeys(sets) if each not in self._known)
        if new:
            bound = 0 if self._failing else self._bound(len(new), 1 if last else len(left))
            self._watch(Step(new, len(self._known), bound, left, self._found))
            self._known.update(zip(new, self._test(new), strict=True))

    def _bound(self, new: int, left: int) -> int:
        """How many trials there are in the end at most, if one part of those left is guilty."""
        # It is tried alone, and if it needs others, these are tried without it.
        checks = 1 + self._parts.needy if left else 0
        controls = 0 if self._known else new
        return len(self._known) + max(new, controls + most(left, self._at_once) + checks)

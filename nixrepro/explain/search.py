"""Which trials show the cause, and what they prove; pure: the trials are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nixrepro import delta
from nixrepro.delta import Outcome
from nixrepro.explain.model import Proof, Unit

Chosen = frozenset[int]
# What is said of a set of differences; None where no more trials are wanted.
Attempt = Callable[[Chosen], Outcome | None]


def prove(
    units: Sequence[Unit],
    attempt: Attempt,
    closed: Callable[[Chosen], Chosen] = lambda chosen: chosen,
    *,
    same: bool = False,
) -> Proof:
    """Find the differences that make the numbers another run's, and see that no other one does.

    Args:
        units: those that can be tested, likeliest first; at least one.
        attempt: the outcome of a trial with some of them; never asked twice for one set.
        closed: some of them with all that they need.
        same: whether both runs have the same numbers.
    """
    return _Proving(units, attempt, closed).run(same)


class _Proving:
    """One proof: what each set of differences gave."""

    def __init__(
        self, units: Sequence[Unit], attempt: Attempt, closed: Callable[[Chosen], Chosen]
    ) -> None:
        self._units = units
        self._ask = attempt
        self._closed = closed
        self._all = frozenset(range(len(units)))
        self._known: dict[Chosen, Outcome | None] = {frozenset(): Outcome.A}

    def run(self, same: bool) -> Proof:
        whole = self._attempt(self._all)
        if whole is Outcome.A:
            return Proof(harmless=tuple(self._units), together=len(self._units) > 1, whole=whole)
        if same or whole not in (Outcome.B, Outcome.OTHER):
            for place in sorted(self._all):
                self._attempt(self._closed(frozenset({place})))
            return self._told(frozenset(), whole)
        cause = self._alone()
        if not cause and whole is Outcome.B:
            found = self._together()
            cause = found.minimal if found.complete else cause
        rest = self._closed(self._all - cause)
        if cause and rest and not rest & cause and self._attempt(rest) is Outcome.A:
            return self._told(cause, whole, harmless=rest)
        if not cause or len(cause) == 1:
            for place in sorted(self._all - cause):
                self._attempt(self._closed(frozenset({place})))
        return self._told(cause, whole)

    def _attempt(self, chosen: Chosen) -> Outcome | None:
        if chosen not in self._known:
            self._known[chosen] = self._ask(chosen)
        return self._known[chosen]

    def _alone(self) -> Chosen:
        """The first single difference, with what it needs, that gives the other run's numbers."""
        for place in sorted(self._all):
            chosen = self._closed(frozenset({place}))
            if self._attempt(chosen) is Outcome.B:
                inner = (self._closed(frozenset({each})) for each in sorted(chosen))
                smaller = (each for each in inner if each < chosen)
                return next((e for e in smaller if self._attempt(e) is Outcome.B), chosen)
        return frozenset()

    def _together(self) -> delta.Found:
        def test(sets: Sequence[Chosen]) -> list[Outcome]:
            found = [self._attempt(each) for each in sets]
            if None in found:
                raise delta.Enough
            return [each for each in found if each is not None]

        return delta.search(len(self._units), self._closed, test, at_once=1)

    def _told(
        self, cause: Chosen, whole: Outcome | None, *, harmless: Chosen = frozenset()
    ) -> Proof:
        needed = frozenset(place for place in cause if self._serves(place, cause))
        guilty = cause - needed
        groups: dict[Outcome | None, list[Unit]] = {outcome: [] for outcome in (*Outcome, None)}
        alone: set[int] = set()
        for place in sorted(self._all - guilty):
            outcome = self._known.get(self._closed(frozenset({place})))
            if outcome is Outcome.A:
                alone.add(place)
            elif place not in harmless | needed:
                groups[outcome].append(self._units[place])
        cleared = harmless | alone
        return Proof(
            cause=self._named(guilty),
            needed=self._named(needed),
            also=tuple(groups[Outcome.B]),
            harmless=self._named(cleared),
            together=not cleared <= alone,
            change=tuple(groups[Outcome.OTHER]),
            failed=tuple(groups[Outcome.FAILED]),
            untested=tuple(groups[None]),
            whole=whole,
        )

    def _serves(self, place: int, cause: Chosen) -> bool:
        """Whether one of a cause is there because another one needs it, and not the other way."""
        inner = self._closed(frozenset({place}))
        return any(
            place in self._closed(frozenset({other})) and other not in inner
            for other in cause - {place}
        )

    def _named(self, places: Chosen) -> tuple[Unit, ...]:
        return tuple(self._units[place] for place in sorted(places))

"""Which trials show the cause, and what they prove; pure: the trials are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nixrepro import delta
from nixrepro.delta import Outcome
from nixrepro.explain.bound import needs
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
    combine: Callable[[int, int], None] = lambda count, most: None,
) -> Proof:
    """Find the differences that make the numbers another run's, and see that no other one does.

    Args:
        units: those that can be tested, likeliest first; at least one.
        attempt: the outcome of a trial with some of them; never asked twice for one set.
        closed: some of them with all that they need.
        same: whether both runs have the same numbers.
        combine: told when several together are tried: of how many, and how many trials there are
            at most until the next that counts is found; 0 where that is not known.
    """
    return _Proving(units, attempt, closed, combine).run(same)


class _Proving:
    """One proof: what each set of differences gave."""

    def __init__(
        self,
        units: Sequence[Unit],
        attempt: Attempt,
        closed: Callable[[Chosen], Chosen],
        combine: Callable[[int, int], None],
    ) -> None:
        self._units = units
        self._combine = combine
        self._ask = attempt
        self._closed = closed
        self._all = frozenset(range(len(units)))
        self._known: dict[Chosen, Outcome | None] = {frozenset(): Outcome.A}
        # Of a cause those without which it could not be run.
        self._unsure: Chosen = frozenset()

    def run(self, same: bool) -> Proof:
        whole = self._attempt(self._all)
        if whole is Outcome.A:
            return Proof(harmless=tuple(self._units), together=len(self._units) > 1, whole=whole)
        # Where all at once fails, one of them alone may work.
        cause = frozenset[int]() if same else self._alone()
        if not cause and whole is Outcome.B and not same:
            cause = self._together(self._all)
        rest = self._closed(self._all - cause)
        if cause and rest and not rest & cause and self._attempt(rest) is Outcome.A:
            return self._told(cause, whole, harmless=rest)
        for place in sorted(self._all - cause):
            outcome = self._attempt(self._closed(frozenset({place})))
            needs = self._needs(place)
            if needs and outcome in (Outcome.B, Outcome.OTHER):
                self._attempt(needs)
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
                return self._smallest(place, chosen)
        return frozenset()

    def _smallest(self, place: int, chosen: Chosen) -> Chosen:
        """The smallest part of a difference and its needs that gives the other run's numbers."""
        inner = {self._closed(frozenset({each})) for each in chosen}
        for each in sorted((e for e in inner if e < chosen), key=lambda e: (len(e), sorted(e))):
            if self._attempt(each) is Outcome.B:
                return each
        needs = self._needs(place)
        if needs and self._attempt(needs) is Outcome.B:
            return self._together(needs) or needs
        return chosen

    def _needs(self, place: int) -> Chosen:
        return needs(place, self._closed)

    def _together(self, among: Chosen) -> Chosen:
        """Those that only together give the other run's numbers; none if that was not found."""
        places = sorted(among)

        def of(chosen: Chosen) -> Chosen:
            return frozenset(places[each] for each in chosen)

        def closed(chosen: Chosen) -> Chosen:
            return frozenset(places.index(each) for each in self._closed(of(chosen)))

        def test(sets: Sequence[Chosen]) -> list[Outcome]:
            found = [self._attempt(of(each)) for each in sets]
            if None in found:
                raise delta.Enough
            return [each for each in found if each is not None]

        begun: list[int] = []

        def watch(step: delta.Step) -> None:
            # The ends of the search are known, and where trials are used up there is none to come.
            if step.done and not begun and all(self._single(place) for place in places):
                begun.append(step.done)
                self._combine(len(places), step.most - step.done if step.most else 0)

        found = delta.search(len(places), closed, test, at_once=1, watch=watch)
        if not found.complete:
            return frozenset()
        for without, outcome in found.lacking.items():
            if outcome is Outcome.FAILED:
                self._unsure |= of(found.minimal - without)
        return of(found.minimal)

    def _told(
        self, cause: Chosen, whole: Outcome | None, *, harmless: Chosen = frozenset()
    ) -> Proof:
        needed = frozenset(place for place in cause if self._serves(place, cause))
        guilty = cause - needed
        groups: dict[Outcome | None, list[Unit]] = {outcome: [] for outcome in (*Outcome, None)}
        alone: set[int] = set()
        apart: set[int] = set()
        for place in sorted(self._all - guilty):
            outcome, before = self._single(place), self._known.get(self._needs(place))
            changes = outcome in (Outcome.B, Outcome.OTHER)
            if outcome is Outcome.A or (outcome is before is Outcome.B):
                alone.add(place)
            elif place in harmless | needed:
                continue
            elif changes and before is not Outcome.A:
                apart.add(place)  # what it needs gives other numbers already
            else:
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
            apart=self._named(frozenset(apart)),
            unsure=self._named(self._unsure & guilty),
            each=all(self._single(place) is Outcome.OTHER for place in guilty),
            whole=whole,
        )

    def _single(self, place: int) -> Outcome | None:
        return self._known.get(self._closed(frozenset({place})))

    def _serves(self, place: int, cause: Chosen) -> bool:
        """Whether one of a cause is there because another one needs it, and not the other way."""
        inner = self._closed(frozenset({place}))
        return any(
            place in self._closed(frozenset({other})) and other not in inner
            for other in cause - {place}
        )

    def _named(self, places: Chosen) -> tuple[Unit, ...]:
        return tuple(self._units[place] for place in sorted(places))

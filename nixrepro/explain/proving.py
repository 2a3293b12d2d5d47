"""The trials of one explanation: the control, the proof, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.diff import results
from nixrepro.explain import causes, files, packages, units
from nixrepro.explain.bound import most
from nixrepro.explain.controls import again, astray, by_themselves, unrecorded
from nixrepro.explain.cpus import barrier
from nixrepro.explain.model import Explanation, Outcome, Proof, State, Unit
from nixrepro.explain.numbers import numbers
from nixrepro.explain.plan import Ground
from nixrepro.explain.search import Chosen, prove
from nixrepro.explain.sides import Side
from nixrepro.explain.trials import Bench
from nixrepro.names import counted

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What a person wants of the trials.

    Args:
        most: how many new ones there may be; 0 for as many as are needed.
        again: whether to make each anew, also those that are kept from before.
    """

    most: int = 0
    again: bool = False


class Proving:
    """The trials of one explanation."""

    def __init__(
        self, root: Path, nix: Nix, ground: Ground, seen: causes.Seen, wanted: Wanted, say: Say
    ) -> None:
        self._root, self._nix, self._wanted, self._say = root, nix, wanted, say
        self._ground, self._seen = ground, seen
        self._bench = Bench(root, nix, ground, wanted.most, say, again=wanted.again)

    def of(self, start: Explanation) -> Explanation:
        """The explanation with all that its trials say.

        Raises:
            NixreproError: Nix is unusable.
            KeyboardInterrupt, SystemExit: somebody asked this to end; what was tried is kept.
        """
        reason, other = (self._hindered(side) for side in (self._ground.base, self._ground.other))
        if reason:
            if not other:
                return self._turned(start, reason)
            return replace(start, state=State.UNREPEATABLE, reason=f"A can't be run here: {reason}")
        with self._bench.interruptible():
            return self._tried(start)

    def _hindered(self, side: Side) -> str:
        """Why a run can't be run again here; "" where it can, as far as is known before."""
        if side.gap or side.portable:  # with the portable profile any CPU does
            return side.gap
        return barrier(side.table, self._ground.here.table, self._ground.compilers.lack)

    def _tried(self, start: Explanation) -> Explanation:
        if stopped := self._control(start):
            return self._done(stopped)
        ordered = [cause.unit for cause in start.likely]
        testable = [unit for unit in ordered if not unit.blocked]
        whole = len(testable) == len(ordered)
        if not ordered:
            notes = (*start.notes, unrecorded(self._bench, self._ground))
            return self._done(replace(start, state=State.OPEN, notes=notes))
        if not testable:
            state = State.AGREE if start.same else State.REMAINING
            return self._done(replace(start, state=state))
        return self._done(self._proved(start, testable, whole))

    def _control(self, start: Explanation) -> Explanation | None:
        """That the base gives its own numbers again; why nothing can be shown where it doesn't."""
        base = self._ground.base.name
        outcome = self._bench.attempt(())
        if outcome is Outcome.A:
            return None
        first = self._bench.records.get(())
        if outcome is not Outcome.FAILED and outcome is not None and first is not None:
            if self._bench.attempt((), control=1) is None:
                reason = f"{base} again gives other numbers here, and whether it does so each time "
                reason += "would be one more trial than was allowed"
                return replace(start, state=State.UNREPEATABLE, reason=reason)
            second = self._bench.records[()]
            if numbers(first.document) != numbers(second.document):
                place = results.parting(first, second)
                where = f", first at {place}" if place else ""
                reason = f"two repetitions of {base} here differ from each other{where}"
                return replace(start, state=State.CHANCE, reason=reason)
        reason = self._bench.tested[-1].reason if self._bench.tested else ""
        reason = reason or "its repetitions agree with each other, and not with its record"
        return replace(start, state=State.UNREPEATABLE, reason=f"{base} again: {reason}")

    def _proved(self, start: Explanation, testable: Sequence[Unit], whole: bool) -> Explanation:
        def attempt(chosen: frozenset[int]) -> Outcome | None:
            every = whole and len(chosen) == len(testable)
            return self._bench.attempt([testable[place] for place in sorted(chosen)], whole=every)

        def combine(count: int, most: int) -> None:
            self._bench.expected = 0
            bound = f"; at most {counted(most, 'more trial')} to the first, if all can be run"
            none = f"none of {count} differences alone gives {self._ground.other.name}'s numbers"
            self._say(f"nixrepro: {none}: now several together{bound if most else ''}")

        closed = packages.closed(self._ground.packages, testable)
        if not start.same:
            self._expect(testable, closed, whole)
        proof = prove(testable, attempt, closed, same=start.same, combine=combine)
        cause, notes = (*proof.cause, *proof.needed), tuple[str, ...]()
        if whole and proof.cause and len(cause) == len(testable):
            proof, notes = by_themselves(self._bench, self._ground, proof, testable)
        notes = (*start.notes, *notes)
        state = _state(proof, start.same, whole)
        if state is State.EXPLAINED:
            proof, chance = again(self._bench, self._ground, proof, cause)
            if chance:
                return replace(start, state=State.CHANCE, reason=chance, proof=proof)
        if whole and proof.whole not in (Outcome.B, None) and not start.same:
            notes = (*notes, astray(self._bench, self._ground, proof.whole, testable))
        return replace(start, state=state, proof=proof, notes=notes)

    def _expect(
        self, testable: Sequence[Unit], closed: Callable[[Chosen], Chosen], whole: bool
    ) -> None:
        """Say how many trials there are at most, if one difference alone is the cause."""
        number = len(testable)
        every = any(len(closed(frozenset({place}))) == number for place in range(number))
        alone = whole and every and not self._bench.same(testable)
        # Those that there were; those of the search; by themselves; A and the cause once more.
        self._bench.expected = len(self._bench.tested) + most(number, closed) + alone + 2
        if number > 1:
            self._say(
                f"nixrepro: at most {self._bench.expected} trials, if one of the {number} "
                "differences alone is the cause"
            )

    def _turned(self, start: Explanation, reason: str) -> Explanation:
        """The same with both runs in each other's place, since only the other can be run here."""
        one, two = self._ground.other, self._ground.base
        turned, _ = files.learn(self._root, one, two, self._nix, self._say, fetch=True)
        ground = replace(self._ground, base=one, other=two, packages=turned)
        found = units.units(
            *(one, two, start.difference, packages.units(turned)),
            *(ground.here, ground.compilers.lack),
        )
        likely = causes.likely(found, self._seen)
        note = f"A can't be run here: {reason}"
        proof = Proving(self._root, self._nix, ground, self._seen, self._wanted, self._say)
        done = proof.of(replace(start, likely=likely, base="B"))
        return replace(done, notes=(*done.notes, note))

    def _done(self, found: Explanation) -> Explanation:
        """With the trials, and the first step that differs, which they recorded."""
        changed = tuple(
            f"{what}, made anew, gave other numbers than the trial that was kept of it"
            for what in self._bench.changed
        )
        return replace(
            found,
            trials=tuple(self._bench.tested),
            parting=self._parting(found.parting),
            notes=(*found.notes, *changed),
        )

    def _parting(self, known: tuple[str, str, str]) -> tuple[str, str, str]:
        base = self._bench.records.get(())
        outcomes = {each.keys: each.outcome for each in self._bench.tested}
        other = next((k for k, outcome in outcomes.items() if outcome is Outcome.B), None)
        if base is None or other is None or outcomes.get(()) is not Outcome.A:
            return known
        place = results.parting(base, self._bench.records[other])
        if place is None:
            return known
        values = (place.a, place.b)
        return (str(place), *(values if self._ground.base.name == "A" else values[::-1]))


def _state(proof: Proof, same: bool, whole: bool) -> State:
    if same:
        return State.HARMLESS if proof.whole is Outcome.A else State.OPEN
    if proof.cause:
        return State.EXPLAINED
    if proof.whole is Outcome.A and not whole:
        return State.REMAINING
    return State.OPEN

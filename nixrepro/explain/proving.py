"""The trials of one explanation: the control, the proof, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.diff import results
from nixrepro.explain import causes, packages, units
from nixrepro.explain.controls import again, by_themselves
from nixrepro.explain.cpus import barrier
from nixrepro.explain.model import Explanation, Outcome, Proof, State, Unit
from nixrepro.explain.numbers import numbers
from nixrepro.explain.plan import Ground
from nixrepro.explain.search import prove
from nixrepro.explain.trials import Bench

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]


class Proving:
    """The trials of one explanation."""

    def __init__(
        self, root: Path, nix: Nix, ground: Ground, seen: causes.Seen, most: int, say: Say
    ) -> None:
        self._root, self._nix, self._most, self._say = root, nix, most, say
        self._ground, self._seen = ground, seen
        self._bench = Bench(root, nix, ground, most, say)

    def of(self, start: Explanation) -> Explanation:
        """The explanation with all that its trials say."""
        reason, other = (
            # With the portable profile any CPU does.
            side.gap or ("" if side.portable else barrier(side.table, self._ground.table))
            for side in (self._ground.base, self._ground.other)
        )
        if reason and not other:
            return self._turned(start, reason)
        if reason:
            return replace(start, state=State.UNREPEATABLE, reason=f"A can't be run here: {reason}")
        stopped = self._control(start)
        if stopped:
            return self._done(stopped)
        ordered = [cause.unit for cause in start.likely]
        testable = [unit for unit in ordered if not unit.blocked]
        whole = len(testable) == len(ordered)
        if not ordered:
            return self._done(replace(start, state=State.OPEN, notes=(self._unrecorded(),)))
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

        single = 0 if not whole or self._bench.same(testable) else 1
        self._bench.expected = 4 + (len(testable) if len(testable) > 1 else single)
        closed = packages.closed(self._ground.packages, testable)
        proof = prove(testable, attempt, closed, same=start.same)
        cause = (*proof.cause, *proof.needed)
        notes: tuple[str, ...] = ()
        if whole and proof.cause and len(cause) == len(testable):
            proof, notes = by_themselves(self._bench, self._ground, proof, testable)
        state = _state(proof, start.same, whole)
        if state is State.EXPLAINED:
            proof, chance = again(self._bench, self._ground, proof, cause)
            if chance:
                return replace(start, state=State.CHANCE, reason=chance, proof=proof)
        if whole and proof.whole not in (Outcome.B, None) and not start.same:
            notes = (*notes, self._other(proof, testable))
        return replace(start, state=state, proof=proof, notes=notes)

    def _unrecorded(self) -> str:
        """What becomes of the other run, run again, though nothing that is known differs."""
        base, other = self._ground.base.name, self._ground.other.name
        outcome = self._bench.attempt((), whole=True)
        if outcome is Outcome.A:
            return (
                f"{other} again gives {base}'s numbers here, not its own: chance, or something "
                "that no record holds, such as a file that Git ignores, made them"
            )
        if outcome is Outcome.B:
            return f"{other} again gives its own numbers: its tree makes them, or its lock"
        return self._other(Proof(whole=outcome), ())

    def _other(self, proof: Proof, units: Sequence[Unit]) -> str:
        """Why the other run, run again here, has not given its own numbers."""
        other = self._ground.other.name
        if proof.whole is Outcome.OTHER:
            keys = self._bench.keys(units, whole=True)
            first = self._bench.records[keys]
            self._bench.attempt(units, whole=True, control=1)
            if numbers(first.document) != numbers(self._bench.records[keys].document):
                return f"There is chance in {other}: two repetitions of it differ from each other"
        if proof.whole is Outcome.FAILED:
            return f"{other} can't be run again here: {self._failure()}"
        if proof.whole is Outcome.A:
            return f"{other} again gives {self._ground.base.name}'s numbers here, and not its own"
        return f"{other} again gives other numbers here than it gave"

    def _failure(self) -> str:
        return next((each.reason for each in self._bench.tested if each.reason), "it fails")

    def _turned(self, start: Explanation, reason: str) -> Explanation:
        """The same with both runs in each other's place, since only the other can be run here."""
        one, two = self._ground.other, self._ground.base
        turned = packages.packages(one, two, packages.demands(self._nix, one, two))
        ground = replace(self._ground, base=one, other=two, packages=turned)
        found = units.units(
            one, two, start.difference, packages.units(turned), ground.table, ground.cores
        )
        likely = causes.likely(found, self._seen)
        note = f"A can't be run here: {reason}"
        proof = Proving(self._root, self._nix, ground, self._seen, self._most, self._say)
        done = proof.of(replace(start, likely=likely, base="B"))
        return replace(done, notes=(*done.notes, note))

    def _done(self, found: Explanation) -> Explanation:
        """With the trials, and the first step that differs, which they recorded."""
        return replace(
            found, trials=tuple(self._bench.tested), parting=self._parting(found.parting)
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

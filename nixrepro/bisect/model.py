"""What a bisection finds; frozen values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nixrepro.delta import Chosen, Found, Outcome
from nixrepro.lock import Lock
from nixrepro.mixing import Entry, Unit
from nixrepro.record import Record


@dataclass(frozen=True)
class End:
    """One of the two locks between which the cause is looked for.

    Args:
        name: what it is, as a person reads it.
        lock: what it pins.
        record: of the run that had it; None where it is no run's.
    """

    name: str
    lock: Lock
    record: Record | None = None


@dataclass(frozen=True)
class Numbers:
    """What one trial computed.

    Args:
        key: trials with the same key have the same numbers; "" for one that failed.
        digests: of weights and metrics, or else of the output; those that are known.
        path: store path of its outcome.
        reason: why it failed.
    """

    key: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Bisection:
    """The answer.

    Args:
        a: whose tree, command and settings every trial has.
        b: where packages are taken from.
        units: all in which the locks differ.
        uncounted: entries that differ and can change no number.
        found: the search's result; its parts are indexes of `units`.
        numbers: of every set that was tried.
        fresh: how many trials were made now; the others were kept from before.
        seconds: that it took.
        notes: what else a person has to know, each a sentence.
        unstable: "A", "B" or both, where a second training with that lock gave other numbers.
        limit: how many trainings were allowed; None for as many as it takes.
    """

    a: End
    b: End
    units: tuple[Unit, ...]
    uncounted: tuple[Entry, ...]
    found: Found
    numbers: Mapping[Chosen, Numbers]
    fresh: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    limit: int | None = None

    @property
    def whole(self) -> Chosen:
        """All units."""
        return frozenset(range(len(self.units)))

    @property
    def same(self) -> bool:
        """Whether both locks give the same numbers."""
        return not self.units or self.found.tested.get(self.whole) is Outcome.A

"""Tells a person on the way what is tried, what came out, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nixrepro.delta import Chosen, Outcome, Step
from nixrepro.mixing import Unit

_WORDS = {
    Outcome.A: "A's numbers",
    Outcome.B: "B's numbers",
    Outcome.OTHER: "other numbers",
    Outcome.FAILED: "failed",
}
_MINUTE = 60
_FEW = 3


@dataclass(frozen=True)
class Display:
    """What is said of a search among some units.

    Args:
        units: all of them.
        say: prints a line to the person.
    """

    units: Sequence[Unit]
    say: Callable[[str], None]

    def step(self, step: Step) -> None:
        """Say what is tried next, and among how many units the cause is now."""
        first, last = step.done + 1, step.done + len(step.batch)
        number = f"trials {first} and {last}" if last == first + 1 else f"trials {first} to {last}"
        number = f"trial {first}" if first == last else number
        if step.most:
            number += f" of at most {step.most}"
        # The first two are the locks themselves.
        left = f"; left: {self._left(step.left)}" if step.left and step.done else ""
        self.say(f"nixrepro: {number}: {self._named(step.batch)}{left}")

    def limit(self, number: int) -> None:
        """Say that no more may be trained."""
        self.say(f"nixrepro: --max-trials {number}: no more is trained")

    def again(self) -> None:
        """Say that locks are tried once more."""
        self.say(
            "nixrepro: the locks' own trials once more, to see that the program repeats itself"
        )

    def outcomes(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Say what came out, and how long it took; no time where it was known."""
        took = f" ({spelled(seconds)})" if seconds else " (known from before)"
        self.say(f"nixrepro:   {', '.join(_WORDS[each] for each in outcomes)}{took}")

    def _left(self, left: Chosen) -> str:
        if len(left) > _FEW:
            return f"{len(left)} of {len(self.units)}"
        return ", ".join(self.units[number].names[0] for number in sorted(left))

    def _named(self, batch: Sequence[Chosen]) -> str:
        locks, taken = list[str](), list[str]()
        for chosen in batch:
            if not chosen:
                locks.append("A's lock")
            elif len(chosen) == len(self.units):
                locks.append("B's lock")
            else:
                taken.append(f"{len(chosen)}" if len(chosen) > 1 else self._left(chosen))
        return ", ".join((*locks, *([f"{' and '.join(taken)} from B"] if taken else [])))


def spelled(seconds: float) -> str:
    """A time as a person reads it."""
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // _MINUTE} min {int(seconds) % _MINUTE} s"

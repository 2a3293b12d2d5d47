"""What a search among parts asks and answers; frozen values only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

Chosen = frozenset[int]
Closure = Callable[[Chosen], Chosen]


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


Test = Callable[[Sequence[Chosen]], Sequence[Outcome]]

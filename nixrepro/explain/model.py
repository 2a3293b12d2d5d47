"""The types of an explanation: differences that can be taken over one by one, and what came out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from nixrepro.delta import Outcome
from nixrepro.diff.model import Difference

__all__ = ["Cause", "Explanation", "Outcome", "Proof", "State", "Trial", "Unit", "said"]

CPU, CORES, GPU = "hardware.cpu", "hardware.cores", "hardware.gpu"
CODE = "code"


def said(names: Iterable[str], shown: int = 3) -> str:
    """Some names, and how many more there are."""
    items = list(names)
    if len(items) <= shown + 1:
        return ", ".join(items)
    return f"{', '.join(items[:shown])} and {len(items) - shown} more"


@dataclass(frozen=True)
class Unit:
    """One difference between the runs that is taken over as a whole.

    Args:
        layer: which it is in.
        key: what tells it from the others, such as `settings.seed`.
        label: what it is, as the subject of a sentence.
        old: of the first run; where there is no `new`, what is to be known of both.
        new: of the second.
        blocked: why it can't be tested here; "" where it can.
        parts: of `mixing.units`, those that it consists of.
        more: lines for who wants to know it all, such as the files of the code.
    """

    layer: str
    key: str
    label: str
    old: str = ""
    new: str = ""
    blocked: str = ""
    parts: frozenset[int] = frozenset()
    more: tuple[str, ...] = ()

    @property
    def several(self) -> bool:
        """Whether its label speaks of several packages."""
        return bool(self.parts) and self.more[:1] != (self.label,)

    def __str__(self) -> str:
        values = f"{self.old} -> {self.new}" if self.new else self.old
        if self.parts and not self.several and len(self.more) > 1:
            values += f", with {said(self.more[1:], 1)}"
        return f"{self.label} ({values})" if values else self.label


@dataclass(frozen=True)
class Cause:
    """A difference with how likely it is the cause, and why.

    Args:
        unit: the difference.
        weight: the more, the likelier.
        reasons: sentence parts.
    """

    unit: Unit
    weight: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One trial.

    Args:
        keys: of the differences that were taken from the other run.
        outcome: whose numbers came out; None where it could not be made.
        folder: of its record, below the project's.
        seconds: how long it took; 0 where it was known.
        reason: why it could not be made, or how it failed, in a line.
        complaint: the file with all that is said of why it could not be made, below the project.
        details: the same.
    """

    keys: tuple[str, ...]
    outcome: Outcome | None
    folder: str = ""
    seconds: float = 0.0
    reason: str = ""
    complaint: str = ""
    details: str = ""


@dataclass(frozen=True)
class Proof:
    """What the trials say.

    Args:
        cause: differences that, taken over together, give the other run's numbers, and no fewer do.
        needed: what came along, since the cause can't be had without it.
        also: others that each alone give them too.
        harmless: those that change nothing.
        together: whether `harmless` were tried together, and not one by one.
        change: those that each alone change the numbers, but not to the other run's.
        failed: those with which alone it can't run.
        untested: those that the bound left out.
        apart: those that can't be told from what they need, which changes the numbers itself.
        unsure: of the cause those that may not matter: without them it can't run.
        each: whether each of the cause alone changes the numbers, but not to the other run's.
        twice: whether the run as it was, and with the cause, was each seen twice to give the same.
        whole: what all of them together give; None where that was not tried.
        besides: whether something of the other run does it that is none of the differences.
    """

    cause: tuple[Unit, ...] = ()
    needed: tuple[Unit, ...] = ()
    also: tuple[Unit, ...] = ()
    harmless: tuple[Unit, ...] = ()
    together: bool = False
    change: tuple[Unit, ...] = ()
    failed: tuple[Unit, ...] = ()
    untested: tuple[Unit, ...] = ()
    apart: tuple[Unit, ...] = ()
    unsure: tuple[Unit, ...] = ()
    each: bool = False
    twice: bool = False
    whole: Outcome | None = None
    besides: bool = False


class State(Enum):
    """How far an explanation came."""

    SAME = "same"  # the same numbers, and nothing differs
    HARMLESS = "harmless"  # the same numbers, and it was tried that what differs changes nothing
    AGREE = "agree"  # the same numbers, and nothing was tried
    EXPLAINED = "explained"  # the cause was shown
    REMAINING = "remaining"  # what can be tested changes nothing: it is what can't
    LIKELY = "likely"  # nothing was tried
    CHANCE = "chance"  # a run differs from itself
    UNREPEATABLE = "unrepeatable"  # neither run gives its numbers again here
    OPEN = "open"  # what was tried doesn't explain it
    NOTHING = "nothing"  # there are no numbers to compare


@dataclass(frozen=True)
class Explanation:
    """Why two runs' numbers differ, or why they don't.

    Args:
        difference: of the two runs.
        subject: what stands for the numbers, such as `the weights`.
        same: whether both runs have the same.
        state: how far it came.
        likely: all differences that may matter, likeliest first.
        base: the run that was run again, A or B.
        reason: why it came no further.
        parting: the first place where the numbers part, with both values.
        proof: what the trials say.
        trials: each of them, in their order.
        facts: what else differs, and is no cause by itself.
        notes: what a reader must know besides.
    """

    difference: Difference
    subject: str
    same: bool
    state: State
    likely: tuple[Cause, ...] = ()
    base: str = "A"
    reason: str = ""
    parting: tuple[str, str, str] = ("", "", "")
    proof: Proof = field(default_factory=Proof)
    trials: tuple[Trial, ...] = ()
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)

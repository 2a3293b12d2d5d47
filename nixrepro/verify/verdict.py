"""What a check answers: same, differs or unknown, with its reason and what was compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """A check's answer."""

    SAME = "same"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One thing that differs, or can't be known.

    Args:
        subject: what it is: a store path, a package, a key, a file of the project.
        reason: what is wrong with it.
        layer: the layer it belongs to; empty where that can't be said.
        file: a file of the project, relative to it, for annotations; empty for none.
        line: the line in that file, from 1; 0 for none.
    """

    subject: str
    reason: str
    layer: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Verdict:
    """The answer of one check.

    Args:
        check: lock, closure, rebuild, hermetic, run or signature.
        part: what of it was checked, such as `flake.lock`; empty for the whole.
        state: the answer.
        reason: one sentence that says why, and what to do where it isn't `same`.
        compared: what was compared, in words with figures.
        findings: what differs or is unknown, one by one.
        seconds: how long it took.
    """

    check: str
    part: str
    state: State
    reason: str
    compared: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0


def worst(verdicts: Iterable[Verdict]) -> State:
    """Differs if one differs; else unknown if one is unknown; else same."""
    states = {verdict.state for verdict in verdicts}
    for state in (State.DIFFERS, State.UNKNOWN):
        if state in states:
            return state
    return State.SAME

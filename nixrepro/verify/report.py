"""Verdicts for people and for programs: a table with its findings, JSON, and an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from nixrepro.errors import Exit
from nixrepro.verify.verdict import Finding, State, Verdict, worst

FORMAT = 1
HEAD = ("check", "answer", "why", "compared")
# Of one verdict; --json has all.
_SHOWN = 20


def document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """All verdicts with all findings, as JSON can say them."""
    return {
        "format": FORMAT,
        "state": worst(verdicts).value,
        "verdicts": [
            {
                **asdict(verdict),
                "findings": [asdict(finding) for finding in verdict.findings],
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in verdicts
        ],
    }


def rows(verdicts: Sequence[Verdict]) -> list[tuple[str, str, str, str]]:
    """The table's rows, under `HEAD`."""
    return [
        (name(verdict), verdict.state.value, verdict.reason, verdict.compared)
        for verdict in verdicts
    ]


def name(verdict: Verdict) -> str:
    """Check and part."""
    return f"{verdict.check}: {verdict.part}" if verdict.part else verdict.check


def details(verdicts: Sequence[Verdict]) -> list[str]:
    """What differs or is unknown, one line each below the name of its check."""
    lines: list[str] = []
    for verdict in verdicts:
        if verdict.state is State.SAME or not verdict.findings:
            continue
        lines += ["", name(verdict)]
        lines += [f"  {_finding(each)}" for each in verdict.findings[:_SHOWN]]
        if (more := len(verdict.findings) - _SHOWN) > 0:
            lines.append(f"  and {more} more; --json has all")
    return lines


def _finding(finding: Finding) -> str:
    place = ""
    # A file that is the subject itself, or stands in the reason, is not said twice.
    if finding.file and finding.line:
        place = f"{finding.file}:{finding.line}: "
    layer = f" ({finding.layer})" if finding.layer else ""
    return f"{place}{finding.subject}{layer}: {finding.reason}"


def summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    """One line: how many of what, and how long all of it took."""
    counts = Counter(verdict.state for verdict in verdicts)
    said = [f"{counts[state]} {state.value}" for state in State if counts[state]]
    return f"nixrepro verify: {', '.join(said) or 'nothing was checked'} ({seconds:.1f} s)"


def code(verdicts: Sequence[Verdict], allow_unknown: bool) -> Exit:
    """0 where all are the same; 1 where one differs, or is unknown and that is not allowed."""
    state = worst(verdicts)
    good = state is State.SAME or (allow_unknown and state is State.UNKNOWN)
    return Exit.OK if good else Exit.DIFFERS

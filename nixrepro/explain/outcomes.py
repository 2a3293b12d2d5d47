"""Whose numbers a trial gave, and why it gave none."""

from __future__ import annotations

from nixrepro.complaints import in_words
from nixrepro.errors import NixreproError
from nixrepro.explain.model import Outcome
from nixrepro.explain.numbers import cut, failure, last_words, numbers
from nixrepro.explain.plan import Ground
from nixrepro.record import Record
from nixrepro.repeat.virtual import PORTABLE

_SHOWN = 120
_HOW = {"failed": "fails", "killed": "is killed"}


def outcome(record: Record, ground: Ground, by: str) -> tuple[Outcome, str]:
    """Whose numbers a trial has, and how it failed where it has nobody's.

    Args:
        record: of the trial.
        ground: the two runs.
        by: what must have stood in for the CPU; "" where nothing need.
    """
    document = record.document
    numerics = document["layers"]["settings"].get("numerics") or {}
    stood = numerics.get("by", "") if numerics.get("profile") == PORTABLE else ""
    if stood and by and stood != by:
        why = numerics.get("weaker", f"{stood} stands in for the CPU here")
        return Outcome.FAILED, f"it needs {by} for its CPU, which can't be had here: {why}"
    found = numbers(document)
    failed = failure(document, last_words(record))
    for side, whose in zip((ground.base, ground.other), (Outcome.A, Outcome.B), strict=True):
        known = side.record
        if found and found == numbers(known.document):
            return whose, ""
        if failed and failed == failure(known.document, last_words(known)):
            return whose, ""
    if not found and (why := cut(document)):
        return Outcome.FAILED, f"what it said was not kept whole: {why}"
    if document["status"] == "done":
        return Outcome.OTHER, ""
    status = document["exit"]["status"]
    words = clipped(last_words(record))
    reason = f"it {_HOW.get(document['status'], document['status'])} with status {status}"
    return Outcome.FAILED, f"{reason}: {words}" if words else reason


def first_line(error: NixreproError) -> str:
    """The first line that means something of what is said of an error, and no more than fits."""
    return clipped(
        next((each.strip() for each in in_words(error).splitlines() if each.strip()), "")
    )


def clipped(text: str) -> str:
    """As much of a text as fits into a sentence."""
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

"""What a run computed, as one key: runs with the same key have the same numbers."""

from __future__ import annotations

import re
from typing import Any

from nixrepro.canonical import digest
from nixrepro.record import Record
from nixrepro.runtime.folder import LOG

ENDED = ("done", "failed")  # by itself
_OWN = re.compile(r"\S*/\S*|0x[0-9a-f]+|\d+")


def numbers(document: dict[str, Any]) -> str:
    """A key of the weights and metrics of a record; else of all that the program said.

    Two runs have the same numbers when their keys are equal.

    Returns:
        "" where nothing of it can be compared: it has not ended by itself, or left nothing, or
        only a part of what it said.
    """
    if document["status"] not in ENDED:
        return ""
    known = _known(document)
    said = document.get("files", {}).get("log", {}).get("sha256")
    if not known:
        if not isinstance(said, str) or cut(document):
            return ""
        known = {"output": said}
    return digest({"exit": document["exit"]["status"], **known})


def cut(document: dict[str, Any]) -> str:
    """Why the log of a run is not all that it said, and so no proof; "" where it is."""
    return str(document.get("files", {}).get("log", {}).get("cut", ""))


def broken(document: dict[str, Any]) -> bool:
    """Whether a run failed before it recorded a number: nothing but what it said is left of it."""
    return document["status"] == "failed" and not _known(document)


def failure(document: dict[str, Any], words: str) -> str:
    """How a run failed, so that two failures can be compared; "" where it did not, or none knows.

    Args:
        document: its record.
        words: the last line that its program said.
    """
    if not broken(document) or cut(document):
        return ""
    # Paths and addresses are others each time, and are none of the failure.
    return f"{document['exit']['status']} {_OWN.sub('', words)}"


def last_words(record: Record) -> str:
    """The last line that a run's program said; "" for none."""
    try:
        lines = (record.folder / LOG).read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""


def _known(document: dict[str, Any]) -> dict[str, str]:
    return {
        key: value
        for key, value in document["fingerprint"].items()
        if key in ("weights", "metrics") and isinstance(value, str)
    }


def kind(a: dict[str, Any], b: dict[str, Any]) -> str:
    """What of two runs stands for their numbers, as the subject of a sentence.

    It is the first that differs of exit status, weights, metrics and output; the first that both
    have, where none does.
    """
    if a["exit"]["status"] != b["exit"]["status"]:
        return "the exit status"
    known = []
    for key in ("weights", "metrics"):
        old, new = (each["fingerprint"].get(key) for each in (a, b))
        if isinstance(old, str) and isinstance(new, str):
            known.append(f"the {key}")
            if old != new:
                return f"the {key}"
    return known[0] if known else "the output"

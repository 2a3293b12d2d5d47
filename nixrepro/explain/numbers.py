"""What a run computed, as one key: runs with the same key have the same numbers."""

from __future__ import annotations

from typing import Any

from nixrepro.canonical import digest

_ENDED = ("done", "failed")


def numbers(document: dict[str, Any]) -> str:
    """A key of the weights and metrics of a record; else of all that the program said.

    Two runs have the same numbers when their keys are equal. A failed run that recorded neither
    counts by its exit status alone, since what it says names store paths.

    Returns:
        "" where nothing of it can be compared: it has not ended by itself, or left nothing.
    """
    if document["status"] not in _ENDED:
        return ""
    known = {
        key: value
        for key, value in document["fingerprint"].items()
        if key in ("weights", "metrics") and isinstance(value, str)
    }
    said = document.get("files", {}).get("log", {}).get("sha256")
    if not known and document["status"] == "done":
        if not isinstance(said, str):
            return ""
        known = {"output": said}
    return digest({"exit": document["exit"]["status"], **known})


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

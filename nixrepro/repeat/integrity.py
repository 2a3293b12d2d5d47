"""Whether a record still says what was recorded: its id, its digests, the files beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nixrepro import closure
from nixrepro.canonical import digest
from nixrepro.errors import RunError
from nixrepro.record import FORMAT, Record
from nixrepro.runtime import result as results
from nixrepro.runtime.folder import events
from nixrepro.runtime.record import what_counts
from nixrepro.verify.verdict import Finding

_FINGERPRINT = ("weights", "metrics")
# What the events say again, and so must stand in the record as they said it.
_TOLD = ("fits", "evaluations", "logged", "final", "weights")


def problems(
    document: dict[str, Any],
    sha256_of: Callable[[str], str | None],
    told: Callable[[], list[dict[str, Any]]],
) -> tuple[Finding, ...]:
    """What in a record does not fit the rest of it; nothing where it is as it was written.

    Args:
        document: the record.
        sha256_of: SHA-256 of a file beside it by its name; None where it isn't there.
        told: reads the events beside it.
    """
    if document["format"] != FORMAT:
        reason = f"{document['format']} was never written: this tool knows {FORMAT}"
        return (Finding("format", reason),)
    try:
        return (*_identity(document), *_digests(document), *_files(document, sha256_of, told))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return (Finding("record.json", f"it has not the shape of a record: {error!r}"),)


def check(folder: Path, document: dict[str, Any], *, partial: bool = False) -> tuple[Finding, ...]:
    """`problems` of the record in a folder, which may have any name: a copy is as good.

    Args:
        folder: the record's.
        document: the record.
        partial: whether what a run said may be missing: its log, events and steps.
    """
    return problems(
        _there(folder, document) if partial else document,
        lambda name: sha256_of(folder / name),
        lambda: events(str(folder / "events.jsonl")),
    )


def unsound(record: Record, done: str, *, partial: bool = False) -> None:
    """See that a record is as it was written, before something is done with it.

    Args:
        record: the run's.
        done: what else would be done, such as "repeated".
        partial: as of `check`.

    Raises:
        RunError: it is not; the message says what does not fit.
    """
    if wrong := check(record.folder, record.document, partial=partial):
        raise RunError(
            f"run {str(record.document['id'])[:12]} is not as it was recorded, and is not {done}",
            hint="restore it from where it was recorded",
            details="\n".join(f"  {each.subject}: {each.reason}" for each in wrong),
        )


def _there(folder: Path, document: dict[str, Any]) -> dict[str, Any]:
    """A record without those of its files that are not there."""
    entries = document.get("files")
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        return document
    kept = {key: e for key, e in entries.items() if os.path.lexists(folder / str(e.get("file")))}
    return {**document, "files": kept}


def files(document: dict[str, Any]) -> dict[str, str]:
    """The files beside a record, each with the SHA-256 that it states."""
    entries = dict(document.get("files", {}))
    code = document["layers"].get("code", {})
    for each in (code, *code.get("submodules", [])):
        if "file" in each.get("patch", {}):
            entries[f"patch {each['patch']['file']}"] = each["patch"]
    return {entry["file"]: entry["sha256"] for entry in entries.values()}


def sha256_of(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none, or what is there is no file."""
    if not path.is_file():  # nobody may ever write into a pipe
        return None
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _identity(document: dict[str, Any]) -> list[Finding]:
    identity = document["identity"]
    found = []
    if digest(identity) != document["id"]:
        found.append(Finding("id", "it is not the digest of `identity`"))
    for name in ("format", "experiment", "environment", "started", "process"):
        if identity[name] != document[name]:
            found.append(Finding(name, "it is not what `identity` says"))
    return found


def _digests(document: dict[str, Any]) -> list[Finding]:
    found = []
    layers = document["layers"]
    pinned = [entry for entry in layers["data"] if entry.get("pinned", True)]
    counted = what_counts(document["environment"], {**layers, "data": pinned})
    if digest(counted) != document["experiment"]:
        reason = "it is not the digest of environment, data, code and settings as they stand here"
        found.append(Finding("experiment", reason))
    if closure.of_document(document).digest != document["environment"]["digest"]:
        reason = "it is not the digest of the closure as it stands here"
        found.append(Finding("environment", reason, "system"))
    said = {name: value for name, value in document["fingerprint"].items() if name in _FINGERPRINT}
    known = {"fits": [], "evaluations": [], "logged": {}, "weights": [], **document["result"]}
    if said and said != results.fingerprint(known):
        found.append(Finding("fingerprint", "it is not the digest of the result as it stands here"))
    return found


def _files(
    document: dict[str, Any],
    sha256_of: Callable[[str], str | None],
    told: Callable[[], list[dict[str, Any]]],
) -> list[Finding]:
    found = []
    for name, stated in files(document).items():
        now = sha256_of(name) if "/" not in name else None
        if now is None:
            found.append(Finding(name, "it is gone"))
        elif now != stated:
            found.append(Finding(name, f"its SHA-256 is {now[:12]}, recorded was {stated[:12]}"))
    if not found and "events" in document.get("files", {}):
        again = results.gather(told())
        for name in _TOLD:
            if document["result"].get(name, type(again[name])()) != again[name]:
                found.append(Finding(f"result.{name}", "it is not what the events file says"))
    return found

"""Whether a key signed a record, and nothing of it changed since."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from nixrepro import keys, signing
from nixrepro.errors import NixreproError
from nixrepro.record import Record
from nixrepro.repeat.integrity import sha256_of
from nixrepro.verify.verdict import Finding, State, Verdict

CHECK = "signature"


def check_signature(record: Record, key: Path) -> tuple[Verdict, ...]:
    """Compare a record and its files with what was signed.

    Who gives a key wants a signature: that there is none is `differs`, not `unknown`.

    Args:
        record: the run's.
        key: file of the public key.

    Raises:
        NixreproError: the key can't be used, or the libraries for it are not there.
    """
    began = time.monotonic()
    state, reason, compared, findings = _answer(record, key)
    return (Verdict(CHECK, "", state, reason, compared, findings, time.monotonic() - began),)


def _answer(record: Record, key: Path) -> tuple[State, str, str, tuple[Finding, ...]]:
    public = keys.public_key(key)
    path = record.folder / signing.ENVELOPE
    if not path.exists():
        reason = "nobody signed this run: `nixrepro sign RUN --key FILE` does, before it is shared"
        return State.DIFFERS, reason, "", ()
    try:
        envelope = signing.read(path)
    except NixreproError as error:
        return State.DIFFERS, error.message, "", ()
    if not signing.signed_by(envelope, public):
        others = ", ".join(name[:12] or "a key without a name" for name in envelope.signatures)
        reason = f"{path.name} has no good signature by the key {public.keyid[:12]} of {key.name}"
        return State.DIFFERS, f"{reason}; it names {others or 'no key'}", "", ()
    try:
        subjects = _subjects(envelope.payload_type, json.loads(envelope.payload))
    except (ValueError, KeyError, TypeError) as error:
        return State.DIFFERS, f"what was signed is no record of a run: {error}", "", ()
    findings = _changed(record.folder, subjects)
    compared = f"{', '.join(subjects)} with what the key {public.keyid[:12]} signed"
    if findings:
        reason = f"{len(findings)} of {len(subjects)} signed files are not what was signed"
        return State.DIFFERS, reason, compared, findings
    said = json.loads(envelope.payload)
    if said != json.loads(json.dumps(signing.statement(record))):
        reason = "what was signed does not describe this record as this tool would"
        return State.DIFFERS, reason, compared, ()
    return State.SAME, "the record and its files are what was signed", compared, ()


def _subjects(kind: str, said: dict[str, Any]) -> dict[str, str]:
    """Names and SHA-256 of the files that a statement speaks of.

    Raises:
        ValueError, KeyError, TypeError: it is no statement about a run.
    """
    if kind != signing.PAYLOAD or said["_type"] != signing.STATEMENT:
        raise ValueError("it is no in-toto statement")
    if said["predicateType"] != signing.PREDICATE:
        raise ValueError(f"it is about {said['predicateType']}")
    return {entry["name"]: entry["digest"]["sha256"] for entry in said["subject"]}


def _changed(folder: Path, subjects: dict[str, str]) -> tuple[Finding, ...]:
    found = []
    for name, signed in subjects.items():
        now = None if "/" in name else sha256_of(folder / name)
        if now is None:
            found.append(Finding(name, "it was signed and is gone"))
        elif now != signed:
            found.append(Finding(name, f"its SHA-256 is {now[:12]}, signed was {signed[:12]}"))
    return tuple(found)

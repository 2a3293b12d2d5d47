"""Signs a run's record with an ed25519 key: an in-toto statement in a DSSE envelope beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import NixreproError
from nixrepro.keys import library, private_key
from nixrepro.locking import alone
from nixrepro.record import Record
from nixrepro.repeat.integrity import check, files, sha256_of
from nixrepro.runtime.folder import RECORD

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

ENVELOPE = "record.dsse.json"
PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:nixrepro:run:v1"
# What of a record says which run it was, in what, and what came out.
_SAID = ("format", "id", "experiment", "status", "started", "environment", "fingerprint")


def statement(record: Record) -> dict[str, Any]:
    """What is signed: the digests of the record and its files, and what the record identifies.

    Raises:
        OSError: the record can't be read.
    """
    digests = {RECORD: sha256_of(record.folder / RECORD), **files(record.document)}
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": name, "digest": {"sha256": sha256}} for name, sha256 in sorted(digests.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {name: record.document[name] for name in _SAID},
    }


def sign(record: Record, file: Path, passphrase: Callable[[], bytes]) -> Path:
    """Write the envelope beside the record, or add a signature to the one that is there.

    Args:
        record: the run's.
        file: the private key.
        passphrase: asked for where the key is encrypted.

    Returns:
        The envelope's path.

    Raises:
        NixreproError: the record is not as it was written, or the key can't be used.
    """
    library()
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    if record.document["status"] == "running":
        raise NixreproError(f"run {record.document['id'][:12]} has not ended yet")
    if found := check(record.folder, record.document):
        raise NixreproError(
            f"run {record.document['id'][:12]} is not as it was recorded, and is not signed",
            details="\n".join(f"  {each.subject}: {each.reason}" for each in found),
        )
    signer = CryptoSigner(private_key(file, passphrase))
    path = record.folder / ENVELOPE
    payload = json_bytes(statement(record))
    # Two that sign at the same time must not lose each other's signature.
    with alone(record.folder):
        envelope = Envelope(payload, PAYLOAD, {})
        if path.exists():
            there = read(path)
            if (there.payload, there.payload_type) != (payload, PAYLOAD):
                hint = "see who signed what there, and remove it if it is of no use"
                raise NixreproError(f"{path} signs something else than this record", hint=hint)
            envelope = there
        envelope.sign(signer)
        write_atomic(path, json_bytes(envelope.to_dict()))
    return path


def read(path: Path) -> Envelope:
    """An envelope.

    Raises:
        NixreproError: it is none.
        OSError: it can't be read.
    """
    library()
    from securesystemslib.dsse import Envelope

    try:
        value = json.loads(path.read_bytes())
        for entry in value["signatures"]:
            entry.setdefault("keyid", "")  # other tools may leave it out
        return Envelope.from_dict(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NixreproError(f"{path} is no DSSE envelope: {error!r}") from None


def signed_by(envelope: Envelope, key: SSlibKey) -> bool:
    """Whether a key signed an envelope, whatever name it was given there."""
    from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
    from securesystemslib.signer import Signature

    for signature in envelope.signatures.values():
        try:
            key.verify_signature(Signature(key.keyid, signature.signature), envelope.pae())
            return True
        except (UnverifiedSignatureError, VerificationError):
            continue
    return False

"""Canonical JSON, its digest, and files replaced in one step, for the inside of the closure."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def json_bytes(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no spare white space, UTF-8, no NaN, a closing newline.

    Raises:
        ValueError: the value holds NaN or an infinity.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    # A file name or argument that is no UTF-8 is kept by its JSON escape.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value, as 64 hex digits."""
    return small(json_bytes(value))


def small(data: bytes) -> str:
    """SHA-256 of a few bytes, as 64 hex digits.

    By Python's own code where it is there: loading OpenSSL's, which is faster, takes 2 ms.
    """
    try:
        from _sha256 import sha256  # type: ignore[import-not-found,unused-ignore]
    except ImportError:  # since Python 3.12
        from hashlib import sha256
    digest: str = sha256(data).hexdigest()
    return digest


def write_atomic(path: str, data: bytes, *, durable: bool = False) -> None:
    """Replace a file in one step.

    Args:
        path: the file.
        data: its new bytes.
        durable: also wait until the disk has them.

    Raises:
        OSError: the folder can't be written or the disk is full; the old file is untouched.
    """
    temporary = f"{path}.{os.getpid()}.new"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            if durable:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, path)
    except OSError:
        try:  # noqa: SIM105 - contextlib takes longer to import than all of this
            os.unlink(temporary)
        except OSError:
            pass
        raise

"""Canonical bytes, their digests, and files that are either the old ones or the new ones."""

from __future__ import annotations

import os
from pathlib import Path

# What is said here must be, to the byte, what was said inside of a closure.
from nixrepro.runtime.canonical import digest, json_bytes

__all__ = ["digest", "json_bytes", "remove_parts", "write_atomic"]


def write_atomic(path: Path, data: bytes | bytearray) -> None:
    """Replace a file in one step: a reader, or a crash, sees the old bytes or the new ones.

    The new file has the old one's permissions. A killed process may leave a hidden file
    `.NAME.*.part` beside it, which `remove_parts` clears.

    Raises:
        OSError: the folder can't be written or the disk is full; the old file is untouched.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)  # a full disk says no name
        raise


def remove_parts(path: Path) -> None:
    """Clear what killed writers of a file left; call it only while no other one may write."""
    for part in path.parent.glob(f".{path.name}.*.part"):
        part.unlink(missing_ok=True)

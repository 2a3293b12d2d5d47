"""The members of a bundle before it is written: where their bytes are, and what they must be."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from nixrepro.bundle.manifest import Member
from nixrepro.errors import NixreproError

BLOCK = 1 << 20


class Progress(Protocol):
    """Is told how many bytes are done."""

    def start(self, total: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def done(self) -> None: ...


@dataclass(frozen=True)
class Source:
    """Where a member's bytes are: a file, with what they must be."""

    path: Path
    member: Member


def of_file(path: Path) -> Source:
    """A source, whose file is read to know it."""
    with open(path, "rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return Source(path, Member(path.stat().st_size, sha256))


class Checked(io.RawIOBase):
    """Reads a source, and refuses at its end what it should not have been."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self._source, self._progress = source, progress
        self._stream: BinaryIO = open(source.path, "rb")  # noqa: SIM115 - closed in close
        self._digest, self._size = hashlib.sha256(), 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        self._size += len(data)
        self._progress.advance(len(data))
        if not data or self._size >= self._source.member.size:
            self._end()
        return data

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _end(self) -> None:
        known = self._source.member
        if (self._size, self._digest.hexdigest()) != (known.size, known.sha256):
            raise NixreproError(
                f"{self._source.path} is not what it should be: its SHA-256 is not {known.sha256}",
                hint="`nixrepro verify --only closure` looks for damage in the store",
            )

"""Remembers the digest of each file by its size, times and inode, folder by folder.

A file is trusted to be as it was when these four are as they were, unless it was changed shortly
before it was read: a change right after that could have left the same times (Git says "racily
clean"). Such a file is read again the next time.
"""

from __future__ import annotations

import hashlib
import os
import struct

from . import FOLDER
from .walking import STAT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .walking import Block

# Nanoseconds: no file system in use keeps times more coarsely than FAT's two seconds.
RESOLUTION = 2_100_000_000
_MAGIC = b"nixrepro digests 1\n"
_HEAD = struct.Struct("<IIIB")  # bytes of path and names, number of files, whether one is racy


class Known:
    """What was known of one folder.

    Attributes:
        names: of its files, joined by NUL.
        stats, digests, racy: as a block's.
        settled: whether no file of it is racy.
    """

    __slots__ = ("digests", "names", "racy", "settled", "stats")

    def __init__(
        self, names: bytes, stats: bytes, digests: bytes, racy: bytes, settled: bool
    ) -> None:
        self.names = names
        self.stats = stats
        self.digests = digests
        self.racy = racy
        self.settled = settled

    def by_name(self, length: int) -> dict[bytes, tuple[bytes, bytes]]:
        """Stat and digest of each file that isn't racy."""
        return {
            name: (
                self.stats[at * STAT.size : (at + 1) * STAT.size],
                self.digests[at * length : (at + 1) * length],
            )
            for at, name in enumerate(self.names.split(b"\0"))
            if self.racy and not self.racy[at]
        }


def file(project: str, top: bytes, kind: str) -> str:
    """Where a project remembers the digests of a folder, or of a single file."""
    name = hashlib.sha256(kind.encode() + os.path.realpath(top)).hexdigest()[:24]
    return os.path.join(project, FOLDER, "seen", name)


def load(path: str, length: int) -> dict[bytes, Known]:
    """What is known, by the folder's path below the top; nothing where the file is broken."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return {}
    at = len(_MAGIC) + 32
    if not data.startswith(_MAGIC) or data[len(_MAGIC) : at] != _sum(memoryview(data)[at:]):
        return {}
    found: dict[bytes, Known] = {}
    while at < len(data):
        place, names, count, racy = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        parts = []
        for size in (place, names, count * STAT.size, count * length, count):
            parts.append(data[at : at + size])
            at += size
        found[parts[0]] = Known(parts[1], parts[2], parts[3], parts[4], not racy)
    return found


def _sum(data: memoryview | bytes) -> bytes:
    return hashlib.sha256(data).digest()


def save(path: str, top: bytes, blocks: list[Block]) -> bool:
    """Write it in one step, unless that is not possible; whether it was.

    Several processes may do so at once: each writes all that it knows, and the last one counts.
    """
    from ..canonical import write_atomic

    parts = []
    for block in blocks:
        place = block.path[len(top) :]
        names = b"\0".join(block.names)
        parts += [
            _HEAD.pack(len(place), len(names), len(block.names), 1 in block.racy),
            place, names, block.stats, bytes(block.digests), bytes(block.racy),
        ]  # fmt: skip
    body = b"".join(parts)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_atomic(path, _MAGIC + _sum(body) + body)
    except OSError:
        return False
    return True


def racy(stats: bytes, begun: int, ended: int) -> bytes:
    """Of each file whether a later change of it could leave its times as they are.

    Args:
        stats: of the files.
        begun: when they were looked at, nanoseconds.
        ended: when they were read.
    """
    edge = begun - RESOLUTION
    # A time of the content may be set to anything; that of the inode is the clock's.
    return bytes(
        inode >= edge or edge <= content <= ended
        for _, content, inode, _ in STAT.iter_unpack(stats)
    )

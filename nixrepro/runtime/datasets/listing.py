"""The list of a folder's files by their digests, kept by the folder's own: by it changes are named.

A line for each file, in the order of the walk: digest in hex, size in bytes, path; for an
empty folder `-`, 0 and the path with a "/" at its end. In paths a backslash and a line break are
spelled `\\\\` and `\\n`, all other bytes are as they are.
"""

from __future__ import annotations

import os
import re

from . import FOLDER
from .digesting import Found, each
from .naming import counted, shown, some
from .walking import STAT, Block

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX = ".list"
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]+(\.dir)?")
_HEAD = b"nixrepro files 1 "


def path_of(project: str, digest: str) -> str:
    """Where a project keeps the list of a folder's digest."""
    name = digest.partition(":")[2].partition(".")[0]
    return os.path.join(project, FOLDER, name + SUFFIX)


def keep(project: str, found: Found) -> None:
    """Keep the list of a folder that was digested, if it isn't kept yet and can be."""
    if found.top is None or os.path.exists(path_of(project, found.digest)):
        return
    from ..canonical import write_atomic

    path = path_of(project, found.digest)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_atomic(path, b"".join(_lines(found)))
    except OSError:
        return  # it only names what a digest tells


def _lines(found: Found) -> Iterator[bytes]:
    assert found.top is not None
    yield _HEAD + found.digest.encode() + b"\n"
    start = len(found.top.path) + 1
    for block in each(found.top):
        inner = block.path[start:]
        prefix = _spelled(inner) + b"/" if inner else b""
        text, width = _hex(block)
        for at, name in enumerate(block.names):
            (size, *_) = STAT.unpack_from(block.stats, at * STAT.size)
            value = text[at * width : (at + 1) * width]
            yield b"%b %d %b%b\n" % (value, size, prefix, _spelled(name))
        if prefix and not block.names and not block.folders:
            yield b"- 0 %b\n" % prefix


def _hex(block: Block) -> tuple[bytes, int]:
    """The digests of a folder's files, and how many digits one has."""
    text = bytes(block.digests).hex().encode()
    return text, len(text) // max(len(block.names), 1)


def _spelled(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def _read(name: bytes) -> bytes:
    if b"\\" not in name:
        return name
    return b"\\".join(part.replace(b"\\n", b"\n") for part in name.split(b"\\\\"))


def load(project: str, digest: str) -> dict[bytes, bytes] | None:
    """Digest of each file (in hex; "-" of an empty folder) by its path; None where none is kept."""
    if not _DIGEST.fullmatch(digest):
        return None  # a stranger's record may say anything
    try:
        with open(path_of(project, digest), "rb") as stream:
            head, *lines = stream.read().split(b"\n")
    except OSError:
        return None
    if head != _HEAD + digest.encode() or (lines and lines.pop()):
        return None  # of another version, or cut
    found = {}
    for line in lines:
        value, _, rest = line.partition(b" ")
        found[_read(rest.partition(b" ")[2])] = value
    return found


def of(found: Found) -> dict[bytes, bytes]:
    """The same of a folder that was digested just now."""
    assert found.top is not None
    start = len(found.top.path) + 1
    listed: dict[bytes, bytes] = {}
    for block in each(found.top):
        inner = block.path[start:]
        prefix = inner + b"/" if inner else b""
        text, width = _hex(block)
        for at, name in enumerate(block.names):
            listed[prefix + name] = text[at * width : (at + 1) * width]
        if prefix and not block.names and not block.folders:
            listed[prefix] = b"-"
    return listed


class Changes:
    """What differs between two lists; names as they are shown.

    Attributes:
        changed, appeared, gone: names of files, sorted.
        whole: how many files the second one has.
    """

    def __init__(self, old: dict[bytes, bytes], new: dict[bytes, bytes]) -> None:
        both = old.keys() & new.keys()
        self.changed = [shown(name) for name in sorted(n for n in both if old[n] != new[n])]
        self.appeared = [shown(name) for name in sorted(new.keys() - both)]
        self.gone = [shown(name) for name in sorted(old.keys() - both)]
        self.whole = len(new)

    def said(self) -> str:
        """How many there are of each, and the first names."""
        parts = [
            f"{counted(len(names))} {what}: {some(names)}"
            for names, what in (
                (self.changed, "changed"),
                (self.appeared, "appeared"),
                (self.gone, "went"),
            )
            if names
        ]
        return "; ".join(parts)

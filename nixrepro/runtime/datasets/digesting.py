"""The digest of a file or a folder: what is known is taken from the cache, the rest is read.

The digest of a file is `sha256:` and the SHA-256 of its bytes. That of a folder is `merkle:` and
the SHA-256 of `PREFIX`, then for each file and folder in it, in the order of their names as bytes:
one letter ("f" or "d"), 32 bytes (the SHA-256 of the file's bytes; the folder's own digest), the
name, a NUL byte. A link counts as what it leads to. Times, owners and permissions don't count.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time

from . import MERKLE, SHA256, Interrupted, Unreadable, cache, hashing
from .walking import STAT, Block, packed, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PREFIX = b"nixrepro folder 1\0"


class Found:
    """What lies at a place.

    Attributes:
        digest: `sha256:` or `merkle:` and 64 hex digits.
        count: how many files.
        size: bytes of all of them.
        read: how many files had to be read.
        top: the folder; None for a single file.
    """

    def __init__(self, digest: str, read: int, block: Block, top: Block | None) -> None:
        blocks = list(each(block))
        count = sum(len(inner.names) for inner in blocks)
        size = sum(about[0] for inner in blocks for about in STAT.iter_unpack(inner.stats))
        self.digest = digest
        self.count = count
        self.size: int = size
        self.read = read
        self.top = top


def digest(
    place: bytes,
    project: str = "",
    *,
    afresh: bool = False,
    tell: Callable[[int, int], object] = lambda done, whole: None,
    asked: Callable[[], object] = lambda: None,
    workers: int = 0,
) -> Found:
    """Digest what lies at a place.

    Args:
        place: a file or a folder; of a link, what it leads to.
        project: the folder whose cache is used; none where it is "".
        afresh: read every byte, whatever the cache says.
        tell: told the bytes that were read, and how many are to be.
        asked: asked several times a second; what is true ends it.
        workers: processes that read; 0 for as many as there are processors.

    Raises:
        Unreadable: something of it can't be read, changes meanwhile, or is no data.
        FileNotFoundError: nothing is there.
        Interrupted: somebody asked this to end.
    """
    about = os.stat(place)
    work = Work(place, project, SHA256, afresh, tell, asked, workers)
    if stat.S_ISDIR(about.st_mode):
        top = work.folder()
        seal(top)
        return Found(MERKLE + top.digest.hex(), work.read, top, top)
    if not stat.S_ISREG(about.st_mode):
        raise Unreadable([(place, "is neither a file nor a folder")])
    block = work.file(about)
    return Found(SHA256 + bytes(block.digests).hex(), work.read, block, None)


class Work:
    """One digesting of a folder or a file, by one kind of digest of its files."""

    def __init__(
        self,
        place: bytes,
        project: str,
        kind: str,
        afresh: bool = False,
        tell: Callable[[int, int], object] = lambda done, whole: None,
        asked: Callable[[], object] = lambda: None,
        workers: int = 0,
    ) -> None:
        self.place = place
        self.kind = kind
        self.length = hashing.LENGTHS[kind]
        self.cache = cache.file(project, place, kind) if project else ""
        self.known = cache.load(self.cache, self.length) if project and not afresh else {}
        self.tell = tell
        self.asked = asked
        self.workers = workers
        self.begun = time.time_ns()
        self.stale = False
        self.read = 0

    def folder(self) -> Block:
        """All that is in the folder, with the digests of its files."""
        try:
            top = walk(self.place, self.asked)
        except RecursionError:
            raise Unreadable([(self.place, "is nested too deeply")]) from None
        self._fill(top)
        return top

    def file(self, about: os.stat_result) -> Block:
        """A single file, as if it were alone in a folder."""
        block = Block(os.path.dirname(self.place))
        block.names = [os.path.basename(self.place)]
        block.stats = STAT.pack(*packed(about))
        self._fill(block)
        return block

    def _fill(self, top: Block) -> None:
        blocks = list(each(top))
        lacking = [pair for block in blocks for pair in self._recall(block, top)]
        if lacking:
            self._digest(lacking)
        if self.cache and (self.stale or len(self.known) != len(blocks)):
            cache.save(self.cache, top.path, blocks)
        self.read = len(lacking)

    def _recall(self, block: Block, top: Block) -> Iterator[tuple[Block, int]]:
        """Take over what is known of a folder's files; gives those of which nothing is."""
        known = self.known.get(block.path[len(top.path) :])
        if (
            known is not None
            and known.settled
            and known.stats == block.stats
            and known.names == b"\0".join(block.names)
        ):
            block.digests, block.racy = known.digests, known.racy
            return
        self.stale = True
        block.digests = bytearray(len(block.names) * self.length)
        block.racy = bytearray(len(block.names))
        before = known.by_name(self.length) if known is not None else {}
        for at, name in enumerate(block.names):
            was = before.get(name)
            if was is not None and was[0] == block.stats[at * STAT.size : (at + 1) * STAT.size]:
                block.digests[at * self.length : (at + 1) * self.length] = was[1]
            else:
                yield block, at

    def _digest(self, lacking: list[tuple[Block, int]]) -> None:
        files = [
            (block.path + b"/" + block.names[at], STAT.unpack_from(block.stats, at * STAT.size))
            for block, at in lacking
        ]
        whole, done = sum(about[0] for _, about in files), [0]

        def tell(count: int) -> None:
            done[0] += count
            self.tell(done[0], whole)

        try:
            found = hashing.digest(
                files, self.kind, tell=tell, asked=self.asked, workers=self.workers
            )
        except OSError as error:
            raise Unreadable([(self.place, f"can't be read: {error.strerror}")]) from None
        self._refuse(files, found)
        ended = time.time_ns()
        for number, (block, at) in enumerate(lacking):
            value = found.digests[number * self.length : (number + 1) * self.length]
            assert isinstance(block.digests, bytearray) and isinstance(block.racy, bytearray)
            block.digests[at * self.length : (at + 1) * self.length] = value
            stats = block.stats[at * STAT.size : (at + 1) * STAT.size]
            block.racy[at : at + 1] = cache.racy(stats, self.begun, ended)

    def _refuse(self, files: list[hashing.Wanted], found: hashing.Digests) -> None:
        if not any(found.states):
            return
        problems = []
        for (path, _), state, number in zip(files, found.states, found.errors):
            if state == hashing.CHANGED:
                problems.append((path, "changed while it was read"))
            elif state == hashing.FAILED:
                problems.append((path, f"can't be read: {os.strerror(number)}"))
        raise Unreadable(problems)


def each(block: Block) -> Iterator[Block]:
    """A folder and all that are below it."""
    yield block
    for _, inner in block.folders:
        yield from each(inner)


def seal(block: Block) -> None:
    """Give a folder, and all below it, their own digests."""
    entries = [
        (name, b"f" + bytes(block.digests[at * 32 : at * 32 + 32]))
        for at, name in enumerate(block.names)
    ]
    for name, inner in block.folders:
        seal(inner)
        entries.append((name, b"d" + inner.digest))
    if block.folders:
        entries.sort()
    parts = [PREFIX]
    for name, said in entries:
        parts += (said, name, b"\0")
    block.digest = hashlib.sha256(b"".join(parts)).digest()


__all__ = ["Found", "Interrupted", "Unreadable", "digest", "each", "seal"]

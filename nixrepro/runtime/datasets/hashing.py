"""Digests many files at once, by processes of its own where that is worth it."""

from __future__ import annotations

import hashlib
import os

from . import MD5, SHA256, Interrupted
from .walking import packed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Wanted = tuple[bytes, tuple[int, int, int, int]]

LENGTHS = {SHA256: 32, MD5: 16}
DONE, CHANGED, FAILED = range(3)
_CHUNK = 1 << 18  # what was read is hashed before it leaves the core's cache
TELL = 1 << 26
_TOGETHER = 1 << 23
_MANY = 256
# Less than this is done before a process would have started.
_FEW_FILES, _FEW_BYTES = 200, 1 << 23


class Digests:
    """What came out: for each file a state, an error's number, and its digest.

    Attributes:
        states: DONE, CHANGED (while it was read) or FAILED, of each.
        errors: the error's number where it failed.
        digests: of each.
    """

    def __init__(self, count: int, length: int) -> None:
        self.length = length
        self.states = bytearray(count)
        self.errors = bytearray(count)
        self.digests = bytearray(count * length)

    def put(self, at: int, record: bytes) -> None:
        """Take what a worker says of a file."""
        self.states[at], self.errors[at] = record[0], record[1]
        self.digests[at * self.length : (at + 1) * self.length] = record[2:]


def digest(
    files: Sequence[Wanted],
    kind: str,
    *,
    tell: Callable[[int], object] = lambda _: None,
    asked: Callable[[], object] = lambda: None,
    workers: int = 0,
) -> Digests:
    """Digest files.

    Args:
        files: path, and what told of it when it was found, of each.
        kind: `sha256:` or `md5:`.
        tell: told now and then how many bytes were read since.
        asked: asked several times a second; what is true ends it.
        workers: processes; 0 for as many as there are processors.

    Raises:
        Interrupted: somebody asked this to end.
        OSError: no process can be started.
    """
    found = Digests(len(files), LENGTHS[kind])
    batches = _batches(files)
    total = sum(each[1][0] for each in files)
    workers = min(workers or len(os.sched_getaffinity(0)), len(batches))
    if workers < 2 or (len(files) < _FEW_FILES and total < _FEW_BYTES):  # noqa: PLR2004
        _alone(files, found, kind, tell, asked)
    else:
        from .pool import Pool

        Pool(files, batches, kind, workers).collect(found, tell, asked)
    return found


def _batches(files: Sequence[Wanted]) -> list[tuple[int, int]]:
    """Files side by side, as first and end; the large ones first, or the last would run alone."""
    large: list[tuple[int, int]] = []
    small: list[tuple[int, int]] = []
    start = amount = 0
    for at, (_, about) in enumerate(files):
        if about[0] > _TOGETHER:
            if start < at:
                small.append((start, at))
            large.append((at, at + 1))
            start, amount = at + 1, 0
            continue
        amount += about[0]
        if amount > _TOGETHER or at - start >= _MANY:
            small.append((start, at + 1))
            start, amount = at + 1, 0
    if start < len(files):
        small.append((start, len(files)))
    large.sort(key=lambda each: -files[each[0]][1][0])
    return large + small


def _alone(
    files: Sequence[Wanted],
    found: Digests,
    kind: str,
    tell: Callable[[int], object],
    asked: Callable[[], object],
) -> None:
    def told(count: int) -> None:
        if asked():
            raise Interrupted
        tell(count)

    for at, (path, about) in enumerate(files):
        found.put(at, one(path, about, kind, told))


def one(path: bytes, about: tuple[int, ...], kind: str, tell: Callable[[int], object]) -> bytes:
    """State, error and digest of one file."""
    hashed = hashlib.new(kind[:-1], usedforsecurity=False)
    read = 0
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            # As far as it was when it was found: whether it grew, the look at it afterwards says.
            left = about[0]
            while left > 0 and (data := os.read(handle, min(_CHUNK, left))):
                hashed.update(data)
                left -= len(data)
                read += len(data)
                if read >= TELL:
                    tell(read)
                    read = 0
            now = packed(os.fstat(handle))
        finally:
            os.close(handle)
    except FileNotFoundError:
        return bytes((CHANGED, 0)) + bytes(hashed.digest_size)
    except OSError as error:
        return bytes((FAILED, (error.errno or 0) & 255)) + bytes(hashed.digest_size)
    if read:
        tell(read)
    return bytes((DONE if now == about else CHANGED, 0)) + hashed.digest()

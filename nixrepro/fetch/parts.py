"""Half-fetched files in the user's cache: one writer each, kept over a kill, hashed on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 18
_STALE = 14 * 24 * 3600.0
_POLL = 0.1


class Stopped(Exception):
    """The person, or an error elsewhere, ended the fetch."""


class Part:
    """The bytes of one artefact that are here so far.

    Args:
        file: open for reading and writing, unbuffered; what it holds is read once, to hash it.
        check: called now and then; raises to stop.
    """

    def __init__(self, file: io.FileIO, check: Callable[[], None]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0
        while chunk := file.read(CHUNK):
            check()
            self._digest.update(chunk)
            self.size += len(chunk)

    def write(self, chunk: bytes) -> None:
        """Append bytes."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._digest.update(chunk)
        self.size += len(chunk)

    def reset(self) -> None:
        """Begin again with nothing."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.size = 0

    def sha256(self) -> str:
        """Digest of all bytes so far, as 64 hex digits."""
        return self._digest.hexdigest()


@dataclass(frozen=True)
class Claim:
    """The right to work on one artefact, held by one thread of one process at a time."""

    cache: Path
    sha256: str
    check: Callable[[], None]

    @contextmanager
    def part(self, name: str) -> Iterator[Part]:
        """What an earlier fetch left, to be completed; kept for a later one if it is not.

        Args:
            name: store name of the artefact.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        path = self.cache / f"{self.sha256}.part"
        place = self._finished(name)
        # A killed fetch may have left a file of the person's here: never write to that.
        for each in (place, path):
            _unlink_if_shared(each)
        with suppress(OSError):
            # That fetch was killed between the last byte and the store.
            place.replace(path)
        with suppress(OSError):
            place.parent.rmdir()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with io.FileIO(handle, "r+") as file:
                yield Part(file, self.check)
        finally:
            with suppress(OSError):
                if path.stat().st_size == 0:
                    path.unlink()

    def link(self, name: str, local: Path) -> bool:
        """Have a file from outside the cache as the part; False if that would mean copying."""
        place = self._finished(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            place.hardlink_to(local)
        except OSError:
            with suppress(OSError):
                place.parent.rmdir()
            return False
        return True

    @contextmanager
    def finished(self, name: str) -> Iterator[Path]:
        """The complete file under its store name as long as the block runs, then gone."""
        place = self._finished(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            (self.cache / f"{self.sha256}.part").replace(place)
        try:
            yield place
        finally:
            with suppress(OSError):
                place.unlink(missing_ok=True)
                place.parent.rmdir()

    def drop(self) -> None:
        """Forget the bytes that are here."""
        (self.cache / f"{self.sha256}.part").unlink(missing_ok=True)

    def _finished(self, name: str) -> Path:
        return self.cache / f"{self.sha256}.d" / name


@contextmanager
def claim(
    cache: Path, sha256: str, check: Callable[[], None], waiting: Callable[[], None]
) -> Iterator[Claim]:
    """Claim an artefact, waiting for whoever else is at work on it.

    Args:
        cache: `folder()`.
        sha256: of the whole artefact.
        check: called while waiting and reading; raises to stop.
        waiting: called once if there is need to wait.

    Raises:
        OSError: the cache can't be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{sha256}.lock"
    handle = _locked(path, check, waiting)
    try:
        yield Claim(cache, sha256, check)
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(handle)


def sweep(cache: Path, now: float) -> None:
    """Remove parts, folders and locks that no fetch touched for two weeks.

    Args:
        cache: `folder()`.
        now: seconds since the epoch.
    """
    for path in (path for kind in ("*.part", "*.d", "*.lock") for path in cache.glob(kind)):
        with suppress(OSError):
            if now - path.stat().st_mtime > _STALE:
                # Letting go of the claim removes the lock, the old one too.
                with claim(cache, path.stem, _go_on, _busy):
                    if path.suffix == ".d":
                        shutil.rmtree(path)
                    elif path.suffix == ".part":
                        path.unlink()


def _unlink_if_shared(path: Path) -> None:
    """Give up a name in the cache whose file has another name too."""
    with suppress(FileNotFoundError):
        if path.lstat().st_nlink > 1:
            path.unlink()


def _go_on() -> None:
    pass


def _busy() -> None:
    raise BlockingIOError(errno.EWOULDBLOCK, "another fetch is at work on it")


def _locked(path: Path, check: Callable[[], None], waiting: Callable[[], None]) -> int:
    said = False
    while True:
        check()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if _try_lock(handle):
            # Who held it before may have removed the file that we opened.
            if os.fstat(handle).st_ino == _inode(path):
                return handle
            os.close(handle)
            continue
        os.close(handle)
        if not said:
            waiting()
            said = True
        time.sleep(_POLL)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1

"""The hash of what a store path holds, as Nix takes it: SHA-256 of its Nix Archive (NAR)."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from nixrepro.base32 import encode

Advance = Callable[[int], None]

_BLOCK = 1 << 17  # fits a core's cache: what was read is hashed before it leaves it
_SMALL = 1 << 16
_TELL = 1 << 25  # bytes between two words to `advance`


@dataclass(frozen=True)
class Hashed:
    """What was found under a path.

    Args:
        nar_hash: as `nix-store --query --hash` spells it: "sha256:" and 52 digits.
        nar_size: bytes of the archive.
    """

    nar_hash: str
    nar_size: int


class Unreadable(Exception):
    """A file can't be read, changed while it was read, or is of a kind that no store path holds.

    Args:
        path: the file.
        reason: what is wrong with it.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def hash_path(path: str | os.PathLike[str], advance: Advance = lambda _: None) -> Hashed:
    """Hash a file, link or folder with all that is below it.

    Args:
        path: where it is.
        advance: told the bytes done since it was told before.

    Raises:
        Unreadable: something of it can't be hashed.

    Source: "Nix Archive (NAR) format" of the Nix manual.
    """
    place = os.fsencode(path)
    try:
        return _Archive(advance).whole(place)
    except OSError as error:
        name = error.filename if error.filename is not None else place
        raise Unreadable(os.fsdecode(name), error.strerror or str(error)) from None


def _word(data: bytes) -> bytes:
    """A string of the format: its length, itself, and zeros up to a multiple of eight."""
    return len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8)


def _words(*words: bytes) -> bytes:
    return b"".join(map(_word, words))


# What stands after this word is the file's length and content.
_FILE = _words(b"(", b"type", b"regular", b"contents")
_PROGRAM = _words(b"(", b"type", b"regular", b"executable", b"", b"contents")
_LINK = _words(b"(", b"type", b"symlink", b"target")
_FOLDER = _words(b"(", b"type", b"directory")
_END = _word(b")")
_ENTRY = _words(b"entry", b"(", b"name")
_NODE = _word(b"node")


@lru_cache(maxsize=4096)
def _entry(name: bytes) -> bytes:
    return _ENTRY + _word(name) + _NODE


class _Archive:
    """Writes an archive into a hash, small parts gathered first."""

    def __init__(self, advance: Advance) -> None:
        self._hash = hashlib.sha256()
        self._parts: list[bytes] = []
        self._waiting = 0
        self._size = 0
        self._told = 0
        self._advance = advance
        self._block = bytearray(_BLOCK)

    def whole(self, path: bytes) -> Hashed:
        """The archive of a path."""
        self._put(_word(b"nix-archive-1"))
        self._tree(path)
        self._flush()
        self._advance(self._size - self._told)
        return Hashed("sha256:" + encode(self._hash.digest()), self._size)

    def _tree(self, root: bytes) -> None:
        mode = os.lstat(root).st_mode
        if not stat.S_ISDIR(mode):
            self._leaf(root, mode)
            return
        self._put(_FOLDER)
        # Not by recursion: a folder may be deeper than Python's stack.
        open_folders = [iter(_sorted(root))]
        while open_folders:
            entry = next(open_folders[-1], None)
            if entry is None:
                open_folders.pop()
                self._put(_END + _END if open_folders else _END)
                continue
            self._put(_entry(entry.name))
            if entry.is_dir(follow_symlinks=False):
                self._put(_FOLDER)
                open_folders.append(iter(_sorted(entry.path)))
            else:
                kind = stat.S_IFLNK if entry.is_symlink() else stat.S_IFREG
                self._leaf(entry.path, kind)
                self._put(_END)

    def _leaf(self, path: bytes, mode: int) -> None:
        if stat.S_ISLNK(mode):
            self._put(_LINK + _word(os.readlink(path)) + _END)
            return
        # Without waiting for anybody, should it be a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            self._file(path, handle)
        finally:
            os.close(handle)

    def _file(self, path: bytes, handle: int) -> None:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable(os.fsdecode(path), "neither a file nor a folder nor a link")
        size = about.st_size
        head = _PROGRAM if about.st_mode & stat.S_IXUSR else _FILE
        self._put(head + size.to_bytes(8, "little"))
        if size <= _SMALL:
            data = os.read(handle, size + 1)
            read = len(data)
            self._put(data)
        else:
            read = self._large(handle)
        if read != size:
            raise Unreadable(os.fsdecode(path), "it changed while it was read")
        self._put(bytes(-size % 8) + _END)

    def _large(self, handle: int) -> int:
        self._flush()
        block, whole = self._block, 0
        view = memoryview(block)
        while count := os.readv(handle, [block]):
            self._hash.update(view[:count])
            whole += count
            self._count(count)
        return whole

    def _put(self, data: bytes) -> None:
        self._parts.append(data)
        self._waiting += len(data)
        if self._waiting >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        self._hash.update(b"".join(self._parts))
        self._parts.clear()
        count, self._waiting = self._waiting, 0
        self._count(count)

    def _count(self, count: int) -> None:
        self._size += count
        if self._size - self._told >= _TELL:
            self._advance(self._size - self._told)
            self._told = self._size


def _sorted(folder: bytes) -> list[os.DirEntry[bytes]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)

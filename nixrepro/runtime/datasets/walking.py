"""Lists a folder's files with size, times and inode, a block for each folder of it."""

from __future__ import annotations

import os
import stat
import struct

from . import Interrupted, Unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Size, time of the content, time of the inode, inode: what tells that a file is as it was.
STAT = struct.Struct("<4q")
_MASK = (1 << 63) - 1  # some file systems number their inodes with all 64 bits
_KINDS = {
    stat.S_IFIFO: "is a pipe, which holds no data",
    stat.S_IFSOCK: "is a socket, which holds no data",
    stat.S_IFCHR: "is a device, which holds no data",
    stat.S_IFBLK: "is a device, which holds no data",
}
_MOST_PROBLEMS = 1000


class Block:
    """One folder: its files and its folders, by name.

    Attributes:
        path: of the folder, absolute.
        names: of its files, sorted.
        stats: a `STAT` of each.
        folders: name and block of each folder in it, sorted.
        digests: of its files, side by side; filled in later.
        racy: of each file 1 where its times can't tell whether it changes later, else 0.
        digest: its own; filled in later.
    """

    __slots__ = ("digest", "digests", "folders", "names", "path", "racy", "stats")

    def __init__(self, path: bytes) -> None:
        self.path = path
        self.names: list[bytes] = []
        self.stats = b""
        self.folders: list[tuple[bytes, Block]] = []
        self.digests: bytes | bytearray = b""
        self.racy: bytes | bytearray = b""
        self.digest = b""


def packed(about: os.stat_result) -> tuple[int, int, int, int]:
    """What tells that a file is as it was."""
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino & _MASK


def walk(top: bytes, asked: Callable[[], object] = lambda: None) -> Block:
    """All that is in a folder; a link counts as what it leads to.

    Args:
        top: the folder's path.
        asked: called at each folder; what is true ends it.

    Raises:
        Unreadable: it holds something that is no data, or may not be read.
        Interrupted: somebody asked this to end.
    """
    problems: list[tuple[bytes, str]] = []
    block = _block(top, [top], problems, asked)
    if problems:
        raise Unreadable(problems)
    return block


def _block(
    path: bytes,
    above: list[bytes],
    problems: list[tuple[bytes, str]],
    asked: Callable[[], object],
) -> Block:
    if asked():
        raise Interrupted
    block = Block(path)
    files: list[tuple[bytes, int, int, int, int]] = []
    folders: list[bytes] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                try:
                    if entry.is_file(follow_symlinks=False):
                        about = entry.stat(follow_symlinks=False)
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(name)
                        continue
                    else:
                        about = _other(entry)
                        if stat.S_ISDIR(about.st_mode):
                            _refuse_circle(entry.path, about, above)
                            folders.append(name)
                            continue
                except OSError as error:
                    _note(problems, entry.path, _reason(error, entry))
                    continue
                files.append((name, *packed(about)))
    except OSError as error:
        _note(problems, path, f"can't be read: {error.strerror}")
        return block
    files.sort()
    block.names = [each[0] for each in files]
    block.stats = struct.pack(f"<{4 * len(files)}q", *(part for each in files for part in each[1:]))
    for name in sorted(folders):
        inner = path + b"/" + name
        block.folders.append((name, _block(inner, [*above, inner], problems, asked)))
    return block


def _other(entry: os.DirEntry[bytes]) -> os.stat_result:
    """What is neither plain file nor folder: a link's end, or nothing that can be data."""
    about = entry.stat()
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        raise OSError(0, _KINDS.get(stat.S_IFMT(about.st_mode), "is no file"))
    return about


def _refuse_circle(path: bytes, about: os.stat_result, above: list[bytes]) -> None:
    for each in above:
        if os.path.samestat(about, os.stat(each)):
            raise OSError(0, "is a link to a folder that it lies in itself")


def _reason(error: OSError, entry: os.DirEntry[bytes]) -> str:
    if not error.errno:
        return str(error.strerror)
    if isinstance(error, FileNotFoundError) and entry.is_symlink():
        return "is a link to what is not there"
    return f"can't be read: {error.strerror}"


def _note(problems: list[tuple[bytes, str]], path: bytes, reason: str) -> None:
    problems.append((path, reason))
    if len(problems) >= _MOST_PROBLEMS:
        raise Unreadable(problems)

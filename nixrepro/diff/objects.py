"""Which shared objects are not the same in two store paths, by name, soname and bytes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20
_ELF64 = b"\x7fELF\x02\x01"
_DYNAMIC, _STRTAB, _SONAME, _LOAD = 2, 5, 14, 1


def changed(old: str, new: str) -> tuple[str, ...]:
    """The shared objects of two folders that differ; `+name`, `-name` where only one has it.

    Raises:
        OSError: one can't be read.
    """
    before, after = dict(_objects(Path(old))), dict(_objects(Path(new)))
    found = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            found.append(f"{'-' if name in before else '+'}{name}")
        elif not _equal(before[name], after[name]):
            found.append(name)
    return tuple(found)


def _objects(folder: Path) -> Iterator[tuple[str, Path]]:
    """Regular files that are shared objects, by soname, or else by their path in the folder."""
    for place, _, files in os.walk(folder):
        for file in files:
            path = Path(place, file)
            if (file.endswith(".so") or ".so." in file) and not path.is_symlink():
                yield soname(path) or str(path.relative_to(folder)), path


def _equal(a: Path, b: Path) -> bool:
    if a.stat().st_size != b.stat().st_size:
        return False
    with a.open("rb") as one, b.open("rb") as two:
        while True:
            left, right = one.read(_BLOCK), two.read(_BLOCK)
            if left != right:
                return False
            if not left:
                return True


def soname(path: Path) -> str:
    """The name by which a 64-bit little-endian ELF file wants to be loaded; "" where it says none.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as stream:
        head = stream.read(64)
        if not head.startswith(_ELF64):
            return ""
        try:
            (table,) = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            stream.seek(table)
            data = stream.read(min(size * count, _BLOCK))
            segments = [struct.unpack_from("<IIQQQQ", data, size * n) for n in range(count)]
            dynamic = next(each for each in segments if each[0] == _DYNAMIC)
            stream.seek(dynamic[2])
            table = min(dynamic[5], _BLOCK) // 16 * 16
            entries = dict(struct.iter_unpack("<QQ", stream.read(table)))
            address = entries[_STRTAB] + entries[_SONAME]
            load = next(
                each for each in segments if each[0] == _LOAD and 0 <= address - each[3] < each[5]
            )
            stream.seek(load[2] + address - load[3])
            return stream.read(256).split(b"\0")[0].decode(errors="replace")
        except (struct.error, StopIteration, KeyError, OverflowError, ValueError):
            return ""

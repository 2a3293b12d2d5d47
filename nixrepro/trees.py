"""Compares two trees of files as Nix sees them: names, kinds, content, links, executable bit."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

_BLOCK = 1 << 20


class Kind(StrEnum):
    """In what a file differs."""

    CONTENT = "content"
    MODE = "mode"
    MISSING = "missing"
    EXTRA = "extra"
    LINK = "link"
    TYPE = "type"


@dataclass(frozen=True)
class Change:
    """One file that differs.

    Args:
        path: the file, relative to the tree; "" where the tree is one file.
        kind: in what.
        text: the same in words, as an end of a sentence.
    """

    path: str
    kind: Kind
    text: str


def compare(expected: Path, found: Path) -> tuple[Change, ...]:
    """What differs between two trees, by path.

    Args:
        expected: how it should be.
        found: how it is; it need not be there.

    Raises:
        OSError: one can't be read.
    """
    return tuple(_compare(expected, found, ""))


def _compare(expected: Path, found: Path, path: str) -> list[Change]:
    old, new = os.lstat(expected), _lstat(found)
    if new is None:
        return [Change(path, Kind.MISSING, "is missing")]
    if stat.S_IFMT(old.st_mode) != stat.S_IFMT(new.st_mode):
        text = f"is {_type(new.st_mode)} instead of {_type(old.st_mode)}"
        return [Change(path, Kind.TYPE, text)]
    if stat.S_ISDIR(old.st_mode):
        return _folders(expected, found, path)
    if stat.S_ISLNK(old.st_mode):
        target, other = os.readlink(expected), os.readlink(found)
        if target == other:
            return []
        return [Change(path, Kind.LINK, f"links to {other} instead of {target}")]
    changes = []
    if (offset := _first_difference(expected, found)) is not None:
        text = f"differs from byte {offset} on"
        if old.st_size != new.st_size:
            text += f", and has {new.st_size} bytes instead of {old.st_size}"
        changes.append(Change(path, Kind.CONTENT, text))
    if (old.st_mode ^ new.st_mode) & stat.S_IXUSR:
        word = "is" if new.st_mode & stat.S_IXUSR else "is not"
        changes.append(Change(path, Kind.MODE, f"{word} executable"))
    return changes


def _folders(expected: Path, found: Path, path: str) -> list[Change]:
    old, new = set(os.listdir(expected)), set(os.listdir(found))
    changes = []
    for name in sorted(old | new):
        inner = f"{path}/{name}" if path else name
        if name in old:
            changes += _compare(expected / name, found / name, inner)
        else:
            changes.append(Change(inner, Kind.EXTRA, "is one too many"))
    return changes


def _first_difference(one: Path, other: Path) -> int | None:
    """The first byte that differs, from 0; None where all are the same."""
    place = 0
    with open(one, "rb") as first, open(other, "rb") as second:
        while True:
            left, right = first.read(_BLOCK), second.read(_BLOCK)
            if left != right:
                pairs = enumerate(zip(left, right, strict=False))
                least = min(len(left), len(right))
                return place + next((at for at, (a, b) in pairs if a != b), least)
            if not left:
                return None
            place += len(left)


def _lstat(path: Path) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _type(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISLNK(mode):
        return "a link"
    return "a file" if stat.S_ISREG(mode) else "something special"

"""Git LFS: files that are still pointers, and changed files by the pointer they would be."""

from __future__ import annotations

import os
import re

from .git_changes import DIGESTED, TOO_LARGE, Change, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .git import Code

# By Git LFS's own account a pointer is shorter than this many bytes.
POINTER = 1024
_VERSION = b"version https://git-lfs.github.com/spec/v1\n"
_SHAPE = re.compile(rb"version \S+\n(?:[a-z0-9.-]+ .*\n)*oid sha256:[0-9a-f]{64}\nsize \d+\n?\Z")
_MARK = b"filter=lfs"
# Attributes are a few lines; what is longer is not read to its end.
_READ = 1_000_000


def look(
    code: Code,
    places: tuple[str, str],
    attributes: Iterable[str],
    changes: list[Change],
    facts: dict[str, Any],
) -> list[Change]:
    """Enter files that are still pointers, and see to changed ones.

    Args:
        code: asks git.
        places: the work tree's top, and git's own folder.
        attributes: the files that may name Git LFS, from the top.
        changes: what is not as it was committed, by its bytes.
        facts: the code layer's, whose `lfs` and `large` get more.

    Returns:
        The changes without those files whose pointer is the committed one.
    """
    top, folder = places
    files = [os.path.join(top, each) for each in attributes]
    if not any(_names_lfs(each) for each in [*files, os.path.join(folder, "info", "attributes")]):
        return changes
    words = ("ls-files", "-z", "--full-name", "--", ":(top,attr:filter=lfs)")
    asked = code.ask(*words, literal=False)
    new = b"".join(os.fsencode(each.path) + b"\0" for each in changes if each.untracked)
    told = code.ask_in(top, "check-attr", "-z", "--stdin", "filter", stdin=new) if new else None
    said = told.finish()[1].split(b"\0") if told else []
    tracked = [os.fsdecode(name) for name in asked.finish()[1].split(b"\0") if name]
    facts["lfs"] = sorted(path for path in tracked if pointer(os.path.join(top, path)))
    meant = {*tracked, *(os.fsdecode(p) for p, v in zip(said[::3], said[2::3]) if v == b"lfs")}
    return list(_settled(top, changes, meant - set(facts["lfs"]), facts))


def pointer(path: str) -> bytes:
    """A file's content where it is a pointer, else nothing."""
    try:
        if os.lstat(path).st_size > POINTER or os.path.islink(path):
            return b""
        with open(path, "rb") as stream:
            content = stream.read(POINTER + 1)
    except OSError:
        return b""
    return content if _SHAPE.match(content) else b""


def written(sha256: str, size: int) -> bytes:
    """The pointer of a content."""
    return _VERSION + f"oid sha256:{sha256}\nsize {size}\n".encode()


def _settled(
    top: str, changes: Iterable[Change], meant: set[str], facts: dict[str, Any]
) -> Iterable[Change]:
    total = 0
    for change in changes:
        place = os.path.join(top, change.path)
        if change.path not in meant or os.path.islink(place) or not os.path.isfile(place):
            yield change
            continue
        size = os.path.getsize(place)
        if not size:  # committed as it is
            yield change
            continue
        total += size
        sha256 = digest(place) if total <= DIGESTED else TOO_LARGE
        if isinstance(sha256, str):
            change.pointer = written(sha256, size)
            if change.ids and {_object(change.pointer, len(change.ids[0]))} == set(change.ids):
                continue
        else:
            change.apart = True
        # Its content is in no patch: that holds the pointer only.
        facts["large"].append({"path": change.path, "size": size, "sha256": sha256})
        yield change


def _names_lfs(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return _MARK in stream.read(_READ)
    except OSError:
        return False


def _object(content: bytes, digits: int) -> str:
    """The name that Git gives a content, of as many hex digits as the repository's names have."""
    import hashlib

    kind = hashlib.sha1 if digits == 40 else hashlib.sha256  # noqa: PLR2004
    return kind(b"blob %d\0" % len(content) + content).hexdigest()

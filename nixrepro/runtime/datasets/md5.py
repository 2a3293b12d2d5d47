"""The digest by which DVC knows a file or a folder, taken of what lies in the project."""

from __future__ import annotations

import hashlib
import json
import os
import stat

from . import MD5, Unreadable, dvc
from .digesting import Found, Work, each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def pinned(project: str, file: str) -> tuple[str, dvc.Entry]:
    """Where the data of a `.dvc` file lies, relative to the project, and what the file says of it.

    Raises:
        ValueError: with the reason, where the file can't be used.
    """
    try:
        with open(os.path.join(project, file), encoding="utf-8") as stream:
            told = [entry for entry in dvc.entries(stream.read(), file) if entry.section == "outs"]
    except OSError as error:
        raise ValueError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{file} is no text") from None
    if len(told) != 1:
        raise ValueError(f"{file} names {len(told)} outs with an MD5, not one")
    return os.path.normpath(os.path.join(os.path.dirname(file), told[0].path)), told[0]


def digest(
    place: bytes,
    project: str,
    *,
    afresh: bool = False,
    tell: Callable[[int, int], object] = lambda done, whole: None,
    asked: Callable[[], object] = lambda: None,
) -> Found:
    """Digest as DVC 3 does: the MD5 of the bytes, or of a folder's list of files, with `.dir`.

    Raises:
        Unreadable: something of it can't be read, or changes meanwhile.
        FileNotFoundError: nothing is there.
        Interrupted: somebody asked this to end.

    Source: DVC's own `.dir` files, which hold that list.
    """
    about = os.stat(place)
    work = Work(place, project, MD5, afresh, tell, asked)
    if not stat.S_ISDIR(about.st_mode):
        if not stat.S_ISREG(about.st_mode):
            raise Unreadable([(place, "is neither a file nor a folder")])
        block = work.file(about)
        return Found(MD5 + bytes(block.digests).hex(), work.read, block, None)
    top = work.folder()
    start = len(top.path) + 1
    listed = []
    for block in each(top):
        text = bytes(block.digests).hex()
        for at, name in enumerate(block.names):
            path = os.path.join(block.path, name)[start:].decode("utf-8", "surrogateescape")
            listed.append({"md5": text[at * 32 : at * 32 + 32], "relpath": path})
    listed.sort(key=lambda entry: entry["relpath"])
    spelled = json.dumps(listed, sort_keys=True).encode()
    whole = hashlib.new("md5", spelled, usedforsecurity=False).hexdigest()
    return Found(f"{MD5}{whole}.dir", work.read, top, top)


def ignores(project: str) -> bool:
    """Whether a `.dvcignore` leaves files out of what DVC digests."""
    try:
        with open(os.path.join(project, ".dvcignore"), encoding="utf-8", errors="replace") as file:
            return any(line.strip() and not line.startswith("#") for line in file)
    except OSError:
        return False

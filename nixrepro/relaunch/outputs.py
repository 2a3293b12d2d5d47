"""Keeps the files that a relaunched program makes in its tree, which is gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nixrepro.runtime import STATE

# In the folder of the new run.
FOLDER = "outputs"
_OWN = (".git", STATE)


class Outputs:
    """What is in a tree before a program starts, to tell afterwards what is new."""

    def __init__(self) -> None:
        self._tree: Path | None = None
        self._before: dict[str, tuple[int, int, int]] = {}

    def begin(self, tree: Path) -> None:
        """See what there is before the program starts."""
        self._tree = tree
        self._before = dict(_files(tree))

    def move(self, run: Path) -> int:
        """Move what is new, or was changed, to the folder of the run; says how many files.

        Raises:
            OSError: they can't be moved.
        """
        if self._tree is None:
            return 0
        new = [path for path, stat in _files(self._tree) if self._before.get(path) != stat]
        for path in new:
            target = run / FOLDER / path
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._tree / path, target)
        return len(new)


def _files(tree: Path) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Files and links below a folder, with what tells that one is as it was."""
    for folder, folders, names in os.walk(tree):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = [name for name in folders if name not in (*_OWN, *links)]
        for name in (*names, *links):
            path = os.path.join(folder, name)
            about = os.lstat(path)
            # A work tree that is apart has a file of this name.
            if name not in _OWN:
                stat = (about.st_mtime_ns, about.st_size, about.st_ino)
                yield os.path.relpath(path, tree), stat

"""A project's flake without the rest of its folder, since Nix copies a folder into its store whole.

In git, Nix takes what git tracks. Elsewhere it would copy everything, data and models as well.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nixrepro.runtime import STATE


@contextmanager
def staged(root: Path, names: Iterable[str]) -> Iterator[Path]:
    """A folder with only some of a project's files, gone afterwards; one at a time.

    Args:
        root: the project's folder.
        names: the files and folders, relative to it; those that are not there are left out.

    Raises:
        OSError: they can't be copied.
    """
    folder = root / STATE / "flake"
    _remove(folder)  # a killed process may have left it
    folder.mkdir(parents=True)
    try:
        seen: set[str] = set()
        for name in names:
            _lay(root, folder, name, seen)
        yield folder
    finally:
        _remove(folder)


def _lay(root: Path, folder: Path, name: str, seen: set[str]) -> None:
    """Copy what lies at a path; a link stays one, and what it names in the project comes along."""
    if name in seen or name.split("/", maxsplit=1)[0] in ("..", STATE):
        return
    seen.add(name)
    parts = name.split("/")
    for depth in range(1, len(parts) + 1):
        place = "/".join(parts[:depth])
        if (root / place).is_symlink():
            target = os.readlink(root / place)
            new = folder / place
            if not new.is_symlink():
                new.parent.mkdir(parents=True, exist_ok=True)
                new.symlink_to(target)
            meant = os.path.join(os.path.dirname(place), target, *parts[depth:])
            if not target.startswith("/"):
                _lay(root, folder, os.path.normpath(meant), seen)
            return
    source = root / name
    if source.is_dir():
        with os.scandir(source) as entries:
            for entry in entries:
                if entry.name != "__pycache__":
                    _lay(root, folder, f"{name}/{entry.name}", seen)
    elif source.is_file():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy(source, folder / name)  # with its mode: Nix keeps what is executable
        except OSError as error:
            if error.errno == errno.ENOSPC:  # of the new file; Python names the old one
                error.filename = str(folder / name)
            raise


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)

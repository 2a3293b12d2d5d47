"""Reads what a project asks for and pins out of the files of other tools."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nixrepro.imports.model import LOCKS, Imported, Left, Pin, fail

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOCKS", "Imported", "Left", "Pin", "form", "read"]

# What a file's name must match, and the module that reads it: read(path, file) -> Imported.
_READERS = (
    (r"pylock(\.[^.]+)?\.toml", "pylock.toml", "pylock"),
    (r"uv\.lock", "uv.lock", "uvlock"),
    (r"poetry\.lock", "poetry.lock", "poetry"),
    (r"Pipfile\.lock", "Pipfile.lock", "pipfile"),
    (r"(.*[._-])?(environment|conda)([._-].*)?\.ya?ml", "environment.yml", "conda"),
    (r"(.*\.)?(Dockerfile|Containerfile)(\..*)?", "Dockerfile", "dockerfile"),
    (r".*\.(txt|in|pip)", "requirements.txt", "requirements"),
)


def form(file: str) -> str:
    """The format that a file's name tells of, "" where it tells of none that is known."""
    name = Path(file).name
    return next((known for shape, known, _ in _READERS if re.fullmatch(shape, name)), "")


def read(path: Path, file: str = "") -> Imported:
    """Read one file and what it includes; asks no network.

    Args:
        path: where it is.
        file: the name that messages call it by; its own where none is given.

    Raises:
        ImportFileError: it is missing or malformed, or of a format that isn't known; with the
            file, the line and the reason.
    """
    file = file or path.name
    for shape, _, module in _READERS:
        if re.fullmatch(shape, path.name):
            reader = import_module(f"nixrepro.imports.{module}").read
            return cast("Callable[[Path, str], Imported]", reader)(path, file)
    known = ", ".join(name for _, name, _ in _READERS)
    fail(file, 0, "is of no format that can be read", f"known by their names: {known}")

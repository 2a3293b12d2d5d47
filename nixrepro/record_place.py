"""Finds the record of a run that a person names: by its id, its folder or its record.json."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from nixrepro import record
from nixrepro.runtime.folder import RECORD, RUNS

_HEX = frozenset("0123456789abcdef")


def is_run(text: str) -> bool:
    """Whether a text is `last` or may be the start of an id."""
    return text == record.LAST or (bool(text) and _HEX.issuperset(text.lower()))


def at(text: str) -> record.Record | None:
    """The record in a run's folder or in its record.json, or None where there is none.

    Raises:
        RunError: it is broken or of a later version.
    """
    path = Path(text)
    if text and path.is_dir():
        path = path / RECORD
    if path.name != RECORD or not os.path.isfile(path):
        return None
    folder = path.resolve().parent
    if folder.parent.parts[-2:] == Path(RUNS).parts:
        # By its project, which says whether a run that is not recorded to its end still goes on.
        return record.load(folder.parents[2], folder.name)
    return record.Record(folder, record.read(path))


def load(root: Callable[[], Path], text: str) -> record.Record:
    """The record of a run that is named in any of the ways.

    Args:
        root: finds the project's folder, where an id is given.
        text: `last`, the start of an id, a run's folder or a record.json.

    Raises:
        NoSuchRun: no run or several runs are meant.
        RunError: the record is broken or of a later version.
    """
    found = None if is_run(text) else at(text)
    return found or record.load(root(), text)

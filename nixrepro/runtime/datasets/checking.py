"""Looks, before a run, whether data by reference is what is pinned; says and records what is."""

from __future__ import annotations

import os

from ..launch import by_dvc
from . import Interrupted, dvc
from .places import link
from .states import State, look

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Looked:
    """What was found of all data by reference.

    Attributes:
        entries: of the record's data layer.
        table: of `NIXREPRO_DATA`: what is asked for by its name, with the path on this machine.
        wrong: a sentence on each that is not what is pinned.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.table: dict[str, dict[str, Any]] = {}
        self.wrong: list[str] = []


def check(
    project: str,
    settings: dict[str, Any],
    say: Callable[[str], None],
    asked: Callable[[], object],
) -> Looked:
    """Look at all data by reference that the settings name, and at what DVC's files say.

    Args:
        project: the project's folder.
        settings: the settings file's table.
        say: tells the person.
        asked: asked several times a second; what is true ends it: the rest is then unknown.
    """
    looked = Looked()
    tracked: set[str] = set()
    for name, entry in settings.get("data", {}).items():
        if not entry.get("reference"):
            looked.table[name] = entry
            continue
        try:
            state = look(project, name, entry, say=say, asked=asked)
        except Interrupted:
            state = State(name, entry)
            state.reason = "a signal came while it was read"
        looked.entries.append(state.recorded())
        if sentence := state.sentence():
            looked.wrong.append(sentence)
        tracked.add(str(entry.get("dvc", "")))
        recorded = looked.entries[-1]
        looked.table[name] = {
            "reference": True, "url": "", "path": state.path, "place": state.where,
            "sha256": recorded["sha256"], "digest": recorded["digest"],
        }  # fmt: skip
        if entry.get("dvc"):
            looked.table[name]["dvc"] = entry["dvc"]
        if os.path.islink(link(project, name)):
            recorded["place"] = state.where
    if by_dvc(project):
        looked.entries += [each for each in dvc.known(project) if each["dvc"] not in tracked]
    return looked

"""Learns what a repetition of a run would be made of: its tree, and the lock and project in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro import git
from nixrepro import lock as locks
from nixrepro.config import FILE as PROJECT
from nixrepro.errors import NixreproError
from nixrepro.record import Record
from nixrepro.repeat import place, tree


@dataclass(frozen=True)
class Side:
    """One of the two runs, with all that its repetition needs.

    Args:
        name: A or B.
        record: the run's.
        lock: its lock; None where it can't be had.
        text: the same, as the file says it.
        project: its pyproject.toml; "" where it can't be had.
        inside: the project's folder in its repository; "" for the top.
        gap: why its tree can't be made again; "" where it can.
    """

    name: str
    record: Record
    lock: locks.Lock | None = None
    text: str = ""
    project: str = ""
    inside: str = ""
    gap: str = ""

    @property
    def layers(self) -> dict[str, Any]:
        """The record's."""
        found: dict[str, Any] = self.record.document["layers"]
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """The settings layer of the record."""
        found: dict[str, Any] = self.layers["settings"]
        return found

    @property
    def table(self) -> tuple[str, ...]:
        """Its CPU, as `vcpu --show` says it; nothing where that is not recorded."""
        cpu = (self.layers.get("hardware") or {}).get("cpu") or {}
        lines = cpu.get("table")
        return tuple(lines) if isinstance(lines, list) else ()

    @property
    def cores(self) -> int:
        """How many processors it could use; 0 where that is not recorded."""
        cpu = (self.layers.get("hardware") or {}).get("cpu") or {}
        found = cpu.get("cores", {}).get("usable")
        return found if isinstance(found, int) else 0


def learn(root: Path, name: str, record: Record) -> Side:
    """What is known of a run, its tree included where that can still be made.

    Args:
        root: the project's folder.
        name: A or B.
        record: the run's.

    Raises:
        OSError: the project can't be written.
    """
    try:
        with place.folder(root.resolve(), record.folder.name) as folder:
            made = tree.make(tree.home(root, record), record, folder / "tree")
            text = (made.project / locks.FILE).read_text(encoding="utf-8")
            project = made.project / PROJECT
            found = git.place(made.project)
            return Side(
                name,
                record,
                locks.parse(text),
                text,
                project.read_text(encoding="utf-8") if project.is_file() else "",
                found.inside if found else "",
            )
    except NixreproError as error:
        return Side(name, record, gap=error.message)

"""Learns what a repetition of a run would be made of: its tree, and the lock and project in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nixrepro import git
from nixrepro import lock as locks
from nixrepro.config import FILE as PROJECT
from nixrepro.errors import NixreproError
from nixrepro.explain import lent
from nixrepro.explain.names import files
from nixrepro.record import Record
from nixrepro.repeat import place, tree
from nixrepro.repeat.virtual import PORTABLE
from nixrepro.runtime import cpu as tables
from nixrepro.runtime.numerics import BY_VCPU


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
        uncommitted: names of the files that were not committed as they were.
        places: where its data by reference can be had as it was, by name; whole paths.
    """

    name: str
    record: Record
    lock: locks.Lock | None = None
    text: str = ""
    project: str = ""
    inside: str = ""
    gap: str = ""
    uncommitted: frozenset[str] = frozenset()
    places: Mapping[str, str] = field(default_factory=dict)

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
    def hardware(self) -> dict[str, Any]:
        """The hardware layer of the record; of a stranger's it may be anything."""
        found = self.layers.get("hardware")
        return found if isinstance(found, dict) else {}

    @property
    def cpu(self) -> dict[str, Any]:
        """What is recorded of its CPU."""
        found = self.hardware.get("cpu")
        return found if isinstance(found, dict) else {}

    @property
    def portable(self) -> bool:
        """Whether it computed with the portable profile."""
        return (self.settings.get("numerics") or {}).get("profile") == PORTABLE

    @property
    def by(self) -> str:
        """What stood in for its CPU with the portable profile; "" without it."""
        found: str = (self.settings.get("numerics") or {}).get("by", BY_VCPU)
        return found if self.portable else ""

    @property
    def table(self) -> tuple[str, ...]:
        """Its CPU, as `vcpu --show` says it; nothing where that is not recorded, or is no table."""
        lines = self.cpu.get("table")
        if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
            return ()
        try:
            return tuple(tables.parse("\n".join(lines)))
        except ValueError:
            return ()

    @property
    def cores(self) -> int:
        """How many processors it could use; 0 where that is not recorded."""
        cores = self.cpu.get("cores")
        found = cores.get("usable") if isinstance(cores, dict) else 0
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
                uncommitted=_uncommitted(record),
                places=lent.places(root.resolve(), made.project, record.document["layers"]),
            )
    except NixreproError as error:
        return Side(name, record, gap=error.message)


def _uncommitted(record: Record) -> frozenset[str]:
    try:
        patch = (record.folder / tree.PATCH).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(files(patch))

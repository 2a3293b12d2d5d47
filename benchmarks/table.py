"""The table that `make bench` prints: each figure beside its peer's, and their ratio."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        what: what was measured.
        ours: the tool's figure, in `unit`.
        peer: what it stands beside; "" where there is nothing to stand beside.
        theirs: the peer's figure, in `unit`.
        unit: "s", "ms", "µs" or "MiB".
        most_ratio: the ratio that is to be reached, or None.
        most: the figure that is to be reached, in `unit`, or None.
    """

    what: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    unit: str = "s"
    most_ratio: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours through theirs."""
        return None if not self.theirs else self.ours / self.theirs

    @property
    def goal(self) -> str:
        """What is to be reached, in words."""
        parts = []
        if self.most is not None:
            parts.append(f"<= {self.most:g} {self.unit}")
        if self.most_ratio is not None:
            parts.append(f"ratio <= {self.most_ratio:g}")
        return ", ".join(parts)

    @property
    def reached(self) -> str:
        """ "yes", "no", or "" where there is no goal."""
        if not self.goal:
            return ""
        good = self.most is None or self.ours <= self.most
        if self.most_ratio is not None:
            good = good and self.ratio is not None and self.ratio <= self.most_ratio
        return "yes" if good else "no"


@dataclass
class Table:
    """Rows, and what could not be measured, with its reason."""

    rows: list[Row] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    def text(self) -> str:
        """The table in Markdown, so that it can go into a page as it is."""
        head = ("what", "nixrepro", "beside", "its figure", "ratio", "goal", "reached")
        lines = [head, tuple("---" for _ in head)]
        lines += [_cells(row) for row in self.rows]
        text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        for what, reason in self.missing:
            text += f"\n\nnot measured: {what}: {reason}"
        return text


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.what,
        _figure(row.ours, row.unit),
        row.peer,
        "" if row.theirs is None else _figure(row.theirs, row.unit),
        "" if row.ratio is None else f"{row.ratio:.3g}",
        row.goal,
        row.reached,
    )


def _figure(value: float, unit: str) -> str:
    return f"{value:.2f} s" if unit == "s" else f"{value:.0f} {unit}"


def machine(versions: Sequence[str]) -> str:
    """Where the figures were read, in one line."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = " ".join(line.partition(":")[2].split())
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    day = datetime.now(UTC).date().isoformat()
    cores = len(os.sched_getaffinity(0))
    parts = [f"{cores} cores of {model}", f"{memory:.0f} GiB", f"Linux {platform.release()}"]
    return ", ".join([*parts, *versions, day])

"""Shows how far a check is, on standard error: a bar on a terminal, else one line at its end."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress(Protocol):
    """Is told how far a check is, in bytes."""

    def start(self, total: int) -> None:
        """So much is to be checked."""

    def advance(self, count: int) -> None:
        """So much more was checked."""

    def done(self) -> None:
        """All of it was; or it ended early."""


class Silent:
    """Shows nothing."""

    def start(self, total: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def done(self) -> None: ...


class Display:
    """Shows a check's progress to a person.

    Args:
        what: what is done, such as "checking the closure".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Bar | None = None
        self._checked = 0
        self._began = 0.0

    def start(self, total: int) -> None:
        """Begin, or begin again."""
        self._checked, self._began = 0, time.monotonic()
        if sys.stderr.isatty():
            from nixrepro.progress import bar

            self._bar = bar()
            self._bar.start()
            self._bar.add_task(self._what, total=total, files="")

    def advance(self, count: int) -> None:
        """Show what was done."""
        self._checked += count
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._checked)

    def done(self) -> None:
        """Take the bar away, or say what was done."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
            return
        from nixrepro.progress import amount

        seconds = time.monotonic() - self._began
        said = f"{self._what}: {amount(self._checked)} in {seconds:.1f} s"
        print(said, file=sys.stderr, flush=True)

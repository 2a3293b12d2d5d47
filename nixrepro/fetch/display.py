"""The one progress display of a fetch, on standard error: a bar on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from threading import Event
from threading import Lock as Mutex
from typing import TYPE_CHECKING

from nixrepro.fetch.parts import Stopped
from nixrepro.lock import Artefact
from nixrepro.progress import amount, bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.progress import Progress

_EVERY = 5.0


class Display:
    """Counts what comes, for all threads, and carries the wish to stop.

    Args:
        artefacts: what is to be fetched.
        quiet: show nothing.
    """

    def __init__(self, artefacts: Sequence[Artefact], *, quiet: bool = False) -> None:
        self._total = sum(artefact.size for artefact in artefacts)
        self._count = len(artefacts)
        self._quiet = quiet
        self._here: dict[str, int] = {}
        self._sum = 0
        self._done = 0
        self._mutex = Mutex()
        self._stop = Event()
        self._began = self._told = time.monotonic()
        self._bar: Progress | None = None

    def __enter__(self) -> Display:
        if not self._quiet and self._count:
            if sys.stderr.isatty():
                self._bar = bar()
                self._bar.start()
                self._bar.add_task("fetching", total=self._total or None, files=self._files())
            else:
                self._line(f"fetching {self._count} files, {amount(self._total)}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif not self._quiet and self._count:
            seconds = time.monotonic() - self._began
            self._line(f"fetched {self._files()}, {amount(self._sum)} in {seconds:.1f} s")

    def stop(self) -> None:
        """Make all threads stop at their next chunk."""
        self._stop.set()

    def check(self) -> None:
        """Raise if the fetch is to stop.

        Raises:
            Stopped: it is.
        """
        if self._stop.is_set():
            raise Stopped

    def progress(self, artefact: Artefact, size: int) -> None:
        """An artefact has so many bytes now."""
        with self._mutex:
            self._sum += size - self._here.get(artefact.sha256, 0)
            self._here[artefact.sha256] = size
            self._show()

    def done(self) -> None:
        """One more artefact is in the store."""
        with self._mutex:
            self._done += 1
            self._show()

    def say(self, text: str) -> None:
        """Show a line."""
        with self._mutex:
            if self._bar is not None:
                self._bar.console.print(text, markup=False, highlight=False)
            elif not self._quiet:
                self._line(text)

    def _show(self) -> None:
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._sum, files=self._files())
        elif not self._quiet and now - self._told > _EVERY:
            self._told = now
            self._line(f"  {self._files()}, {amount(self._sum)} of {amount(self._total)}")

    def _files(self) -> str:
        return f"{self._done} of {self._count} files"

    def _line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

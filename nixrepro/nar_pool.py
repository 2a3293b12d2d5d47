"""Hashes many store paths at once, on all cores: a process each, the largest path first."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from nixrepro.errors import NixreproError
from nixrepro.nar import Advance, Hashed, Unreadable, hash_path

# A path that can't be hashed gives the reason in place of a hash.
Outcome = Hashed | Unreadable
_Job = tuple[str, str]


class Pool:
    """Processes that hash; enter it before any thread is started, as they are forked.

    Args:
        workers: how many; None for one a core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._count = workers or len(os.sched_getaffinity(0))
        self._ends: list[Connection] = []
        self._children: list[int] = []

    def __enter__(self) -> Pool:
        for _ in range(self._count):
            own, other = get_context("fork").Pipe()
            child = os.fork()
            if child == 0:
                for end in (own, *self._ends):
                    end.close()
                _work(other)
            other.close()
            self._ends.append(own)
            self._children.append(child)
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            end.close()
        for child in self._children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(child, 0)

    def hash(
        self, jobs: Iterable[tuple[str, str, int]], advance: Advance
    ) -> Iterator[tuple[str, Outcome]]:
        """Hash paths, each given as its name, the place where it is, and its size as expected.

        Yields:
            Its name with its hash, in the order in which they are done.

        Raises:
            NixreproError: a process was killed.
        """
        waiting: list[_Job] = [job[:2] for job in sorted(jobs, key=lambda job: job[2])]
        busy: set[Connection] = set()
        for end in self._ends:
            _next(end, waiting, busy)
        while busy:
            for ready in wait([*busy]):
                assert isinstance(ready, Connection)
                end = ready
                try:
                    said = end.recv()
                except (EOFError, ConnectionError):
                    hint = "is there memory enough?"
                    raise NixreproError("a process that hashes was killed", hint=hint) from None
                if isinstance(said, int):
                    advance(said)
                    continue
                busy.remove(end)
                _next(end, waiting, busy)
                yield said


def _next(end: Connection, waiting: list[_Job], busy: set[Connection]) -> None:
    if waiting:
        end.send(waiting.pop())
        busy.add(end)


def _work(end: Connection) -> None:
    """What a process does until nobody listens; it never returns into its parent's code."""
    try:
        # Ctrl-C reaches the parent too, which ends this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for each in (signal.SIGHUP, signal.SIGTERM):
            if signal.getsignal(each) is not signal.SIG_IGN:
                signal.signal(each, signal.SIG_DFL)
        while True:
            name, place = end.recv()
            try:
                outcome: Outcome = hash_path(place, end.send)
            except Unreadable as error:
                outcome = error
            end.send((name, outcome))
    except (EOFError, OSError):
        os._exit(0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(1)

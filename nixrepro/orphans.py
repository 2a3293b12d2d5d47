"""Ends what a program leaves behind when it is ended: strace may let go of what it watches."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 36, 37
# Seconds that they get to end by themselves.
_PATIENCE = 5.0


@contextmanager
def ended() -> Iterator[None]:
    """Become the parent of orphans meanwhile; where this is asked to end, end them first.

    Raises:
        KeyboardInterrupt, SystemExit: this one was asked to end meanwhile.
    """
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    old = ctypes.c_int(0)
    prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(old), 0, 0, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = children()
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        _end(before)
        raise
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, old.value, 0, 0, 0)


def children() -> frozenset[int]:
    """The processes whose parent this one is."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            if int(path.read_text().rpartition(") ")[2].split()[1]) == os.getpid():
                found.add(int(path.parent.name))
    return frozenset(found)


def _end(before: frozenset[int]) -> None:
    """End all children that are new, and those that become ours by that."""
    begun = time.monotonic()
    while new := children() - before:
        late = time.monotonic() - begun > _PATIENCE
        for pid in new:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)

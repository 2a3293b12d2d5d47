"""The folder of one repetition, in the project's .nixrepro; what interrupted ones left goes."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nixrepro.errors import RunError
from nixrepro.locking import exclusive
from nixrepro.record import alive, read
from nixrepro.runtime import STATE
from nixrepro.runtime.folder import RECORD, RUNS

REPEATS = "repeats"
_HELD = "held"


@contextmanager
def folder(root: Path, name: str) -> Iterator[Path]:
    """A folder that no other repetition has, removed at the end.

    A killed process leaves it; the next one removes it.

    Args:
        root: the project's folder.
        name: what its name begins with.

    Raises:
        OSError: the project can't be written.
    """
    base = root / STATE / REPEATS
    # Held only while one looks for what others left, which takes no time.
    with exclusive(base / "lock", lambda: None):
        for other in sorted(base.iterdir()):
            if other.is_dir() and not _held(other) and not any(_running(other)):
                remove(other)
        made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
        handle = os.open(made / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield made
    finally:
        remove(made)
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a folder, with what a program made read-only in it; a rest of it does no harm."""

    def again(function: Callable[..., Any], name: str, _: object) -> None:
        with suppress(OSError):
            os.chmod(os.path.dirname(name), stat.S_IRWXU)
            link = os.path.islink(name)  # what it leads to is not this folder's
            if function is not os.rmdir and os.path.isdir(name) and not link:
                os.chmod(name, stat.S_IRWXU)
                shutil.rmtree(name, ignore_errors=True)
            else:
                function(name)

    shutil.rmtree(path, onerror=again)


def _held(path: Path) -> bool:
    """Whether its process lives."""
    try:
        handle = os.open(path / _HELD, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _running(path: Path) -> Iterator[bool]:
    """For each record in it, whether its supervisor lives still, though who started it is gone."""
    try:
        names = list(path.glob(f"tree/**/{RUNS}/*/{RECORD}"))
    except FileNotFoundError:  # its own process is just removing it
        return
    for name in names:
        with suppress(RunError):
            document = read(name)
            yield document["status"] == "running" and alive(document["process"])

"""Makes a project's lock anew, one writer at a time; a killed one leaves the old lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from nixrepro import flake_lock, git
from nixrepro.canonical import remove_parts
from nixrepro.config import Config, check_files
from nixrepro.lock import FILE, Lock, dumps, load, save
from nixrepro.resolve import Resolve, resolve
from nixrepro.runtime import STATE


@dataclass(frozen=True)
class Locked:
    """A lock before (None where there was none) and after."""

    old: Lock | None
    new: Lock


def update(
    config: Config,
    *,
    upgrade: frozenset[str] | None,
    as_of: date | None,
    waiting: Callable[[], None],
    resolver: Resolve = resolve,
) -> Locked:
    """Resolve what the configuration asks for and write nixrepro.lock and flake.lock.

    Args:
        config: what is asked.
        upgrade: names whose version may move; empty for all, None for none.
        as_of: resolve as of that day. Without it, a lock made as of a day stays at that day until
            everything is upgraded.
        waiting: called once when another writer must be waited for.
        resolver: how to resolve.

    Raises:
        LockError, ConfigError, ResolveError, FetchError: nothing was written.
        OSError: the project can't be written; nixrepro.lock was not changed.
    """
    check_files(config)
    path = config.root / FILE
    with exclusive(config.root / STATE / "lock.lock", waiting):
        old = load(path) if path.exists() else None
        if as_of is None and upgrade != frozenset() and old is not None and old.as_of:
            as_of = date.fromisoformat(old.as_of)
        new = resolver(config, keep=old, upgrade=upgrade, as_of=as_of)
        remove_parts(path)
        flake_lock.ensure(config.root)
        if old is None or path.read_bytes() != dumps(new).encode():
            save(path, new)
        git.intend_to_add(config.root, [FILE, flake_lock.FILE])
    return Locked(old, new)


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file: only one process at a time is inside; a killed one lets go.

    Raises:
        OSError: the folder can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder itself, where a lock file would be a stranger among its files.

    Raises:
        OSError: it is not there.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)

"""A fetch for a project, from the registries that its user has configured."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.errors import LockError
from nixrepro.fetch.download import Store, Unavailable
from nixrepro.fetch.places import Places
from nixrepro.fetch.stage import Report, fetch, lacking, wanted
from nixrepro.lock import FILE, Artefact, Lock

if TYPE_CHECKING:
    from nixrepro.config import Config
    from nixrepro.registries.apt import Mirrors
    from nixrepro.registries.python import Registries


@dataclass(frozen=True)
class Outcome:
    """How complete a store is after a fetch.

    Args:
        present: what was asked for and is in the store.
        fetched: those of them that were not before.
        missing: what is not in the store; empty unless the fetch was offline.
    """

    present: tuple[Artefact, ...]
    fetched: tuple[Artefact, ...]
    missing: tuple[Artefact, ...]


def complete(
    config: Config,
    lock: Lock,
    store: Store,
    *,
    data: Collection[str] = (),
    folder: Path | None = None,
    offline: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Bring into the store what it lacks of a lock, and say what that was; see `bring`.

    Raises:
        LockError: the lock names no such data.
        FetchError: some artefact could not be had, though the network may be asked.
        ConfigError: pip's or uv's configuration can't be read.
    """
    _check_named(lock, data)
    asked = wanted(lock, data)
    missing = before = lacking(asked, store)
    if before:
        try:
            bring(config, lock, store, data=data, folder=folder, offline=offline, quiet=quiet)
        except Unavailable:
            if not offline:
                raise
        missing = lacking(asked, store)
    return Outcome(
        tuple(each for each in asked if each not in missing),
        tuple(each for each in before if each not in missing),
        tuple(missing),
    )


def _check_named(lock: Lock, names: Collection[str]) -> None:
    there = [artefact.name for artefact in lock.artefacts if artefact.layer == "data"]
    for name in names:
        if name not in there:
            raise LockError(
                f"{FILE} names no data {name!r}",
                hint=f"the data it names: {', '.join(there) or 'none'}",
            )


def bring(
    config: Config,
    lock: Lock,
    store: Store,
    *,
    data: Collection[str] = (),
    folder: Path | None = None,
    offline: bool = False,
    quiet: bool = False,
) -> Report:
    """Bring into the store what a project's lock names.

    Args:
        config: the project.
        lock: its lock.
        store: takes the files.
        data: names of the optional data to fetch too.
        folder: looked into first, or None.
        offline: ask nothing over the network.
        quiet: show no progress.

    Raises:
        FetchError: some artefact could not be had.
        ConfigError: pip's or uv's configuration can't be read.
    """
    from nixrepro.http import Http
    from nixrepro.registries import apt, pip, python

    def registries() -> Registries:
        return python.load(config.root)

    def mirrors() -> Mirrors:
        return apt.find(config.base, os.environ)

    settings = pip.read(pip.files(os.environ), os.environ)
    places = Places(
        Http(cert=settings.cert, proxy=settings.proxy),
        config.root,
        registries=registries,
        mirrors=mirrors,
        folder=folder,
        as_of=date.fromisoformat(lock.as_of) if lock.as_of else None,
        offline=offline,
    )
    try:
        return fetch(lock, store, places, data=data, quiet=quiet)
    finally:
        places.http.close()

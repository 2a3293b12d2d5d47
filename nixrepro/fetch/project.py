"""A fetch for a project, from the registries that its user has configured."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.fetch.download import Store
from nixrepro.fetch.places import Places
from nixrepro.fetch.stage import Report, fetch
from nixrepro.lock import Lock

if TYPE_CHECKING:
    from nixrepro.config import Config
    from nixrepro.registries.apt import Mirrors
    from nixrepro.registries.python import Registries


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

"""All places where an artefact may be had, the nearest first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Lock as Mutex
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

from nixrepro.errors import NixreproError
from nixrepro.http import Http
from nixrepro.lock import Artefact, store_name
from nixrepro.registries import simple
from nixrepro.urls import is_remote

if TYPE_CHECKING:
    from datetime import date

    from nixrepro.registries.apt import Mirrors
    from nixrepro.registries.python import Registries


Read = TypeVar("Read")


class _Once(Generic[Read]):
    """Reads when first asked, once for all threads."""

    def __init__(self, read: Callable[[], Read]) -> None:
        self._read = read
        self._mutex = Mutex()
        self._known: list[Read] = []

    def __call__(self) -> Read:
        with self._mutex:
            if not self._known:
                self._known.append(self._read())
            return self._known[0]


class Places:
    """Knows the user's folder, the project's data, recorded URLs, mirrors and package indexes.

    Args:
        http: asks the indexes.
        root: the project.
        registries: reads pip's and uv's configuration; called when first needed.
        mirrors: reads apt's configuration; called when first needed.
        folder: looked into first, or None.
        as_of: the day of the lock, for a snapshot archive.
        offline: leave out all that needs the network.
    """

    def __init__(
        self,
        http: Http,
        root: Path,
        *,
        registries: Callable[[], Registries],
        mirrors: Callable[[], Mirrors],
        folder: Path | None = None,
        as_of: date | None = None,
        offline: bool = False,
    ) -> None:
        self.http = http
        self._root = root
        self._registries = _Once(registries)
        self._mirrors = _Once(mirrors)
        self._folder = folder
        self._as_of = as_of
        self._offline = offline

    def of(self, artefact: Artefact, problems: list[str]) -> Iterator[str]:
        """URLs to try, each looked for only when the ones before did not do.

        Why a place could not be asked is appended to `problems`.
        """
        seen: set[str] = set()
        for url in self._all(artefact, problems):
            if url not in seen and not (self._offline and is_remote(url)):
                seen.add(url)
                yield url

    def local(self, artefact: Artefact) -> Path:
        """Where a folder of data is to be: below the user's folder, else in the project."""
        if self._folder is not None and (self._folder / artefact.file).is_dir():
            return self._folder / artefact.file
        return self._root / artefact.path

    def _all(self, artefact: Artefact, problems: list[str]) -> Iterator[str]:
        yield from self._in_folder(artefact)
        if artefact.path:
            local = self._root / artefact.path
            if os.path.exists(local):  # False also where it may not be asked
                yield local.absolute().as_uri()
            else:
                problems.append(f"{artefact.path}: no such file in the project")
        if artefact.url:
            yield artefact.url
        if artefact.kind == "deb":
            yield from self._debian(artefact, problems)
        elif artefact.kind in ("wheel", "sdist"):
            yield from self._indexed(artefact, problems)

    def _in_folder(self, artefact: Artefact) -> Iterator[str]:
        if self._folder is not None:
            for name in dict.fromkeys((artefact.file, store_name(artefact.file))):
                file = self._folder / name
                if os.path.isfile(file):
                    yield file.absolute().as_uri()

    def _debian(self, artefact: Artefact, problems: list[str]) -> Iterator[str]:
        location = quote(artefact.location, safe="/+~:")
        days = (self._as_of, None) if self._as_of else (None,)
        for day in days:
            try:
                yield f"{self._mirrors().base(artefact.archive, day)}/{location}"
            except NixreproError as error:
                problems.append(f"{error.message} ({error.hint})")

    def _indexed(self, artefact: Artefact, problems: list[str]) -> Iterator[str]:
        """First the pages that list the very hash, then those that only have the name."""
        unsure: list[str] = []
        for find in self._pages(artefact.name):
            try:
                links = find()
            except NixreproError as error:
                problems.append(error.message)
                continue
            for link in links:
                if link.name == artefact.file:
                    if link.sha256 == artefact.sha256:
                        yield link.url
                    elif not link.sha256:
                        unsure.append(link.url)
                    else:
                        problems.append(f"{link.url}: listed with sha256 {link.sha256}")
        yield from unsure

    def _pages(self, name: str) -> Iterator[Callable[[], tuple[simple.Link, ...]]]:
        for place in self._registries().find_links:
            if not (self._offline and is_remote(place)):
                yield partial(simple.page, self.http, place, self._root)
        for index in self._registries().indexes:
            if not (self._offline and is_remote(index)):
                yield partial(simple.project, self.http, index, name)

"""Brings one artefact into the store: from whichever place has it, checked to the last byte."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import BoundedSemaphore
from typing import Protocol
from urllib.parse import urlsplit

from nixrepro.errors import FetchError
from nixrepro.fetch.parts import Claim, claim
from nixrepro.fetch.places import Places
from nixrepro.fetch.together import Together
from nixrepro.fetch.transfer import WrongFile, compare, fill
from nixrepro.http import Http, HttpError, chunks
from nixrepro.lock import Artefact, store_name
from nixrepro.urls import local_path

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Store(Protocol):
    """What a fetch asks of the Nix store."""

    def store_path(self, name: str, sha256: str) -> str:
        """Path of the file with that store name and digest, whether or not it is there."""
        ...

    def valid(self, paths: list[str]) -> set[str]:
        """Those of the paths that are in the store."""
        ...

    def add_fixed(self, files: list[Path]) -> list[str]:
        """Put files in, each under its base name; their store paths."""
        ...

    def folder_path(self, name: str, sha256: str) -> str:
        """Path of the folder with that store name and digest, whether or not it is there."""
        ...

    def add_folder(self, name: str, folder: Path) -> str:
        """Put a folder in; its store path."""
        ...

    def delete(self, path: str) -> bool:
        """Take a path out, unless something needs it; whether it is gone."""
        ...


class Unavailable(FetchError):
    """No place gives an artefact."""


class CacheError(FetchError):
    """The folder of half-fetched files can't be used, so nothing can be fetched."""


class Hooks(Protocol):
    """What a download tells while it works."""

    def check(self) -> None:
        """Called often; raises to stop."""
        ...

    def progress(self, artefact: Artefact, size: int) -> None:
        """Bytes of an artefact that are here now."""
        ...

    def say(self, text: str) -> None:
        """Show the person a line."""
        ...


@dataclass
class Downloader:
    """Downloads artefacts, from many threads at once.

    Args:
        http: gets files.
        places: knows where they are.
        store: takes them.
        cache: folder of the parts.
        hooks: told of the work.
        workers: how many may read or download at a time; more threads than that may be at work,
            for those that wait for Nix wait together.
    """

    http: Http
    places: Places
    store: Store
    cache: Path
    hooks: Hooks
    workers: int = 8
    _silent: set[str] = field(default_factory=set)
    _answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._slots = BoundedSemaphore(self.workers)
        # A call of Nix takes longer than a small file.
        self._add = Together(self.store.add_fixed)
        self._is_there = Together(self._are_there, calls=1)

    def bring(self, artefact: Artefact) -> bool:
        """Have the artefact in the store; False if another fetch was quicker.

        Raises:
            WrongFile: a place gave something else, and none gave the right file.
            Unavailable: no place has it.
            CacheError: the cache can't be written.
        """
        name = store_name(artefact.file)
        target = self.store.store_path(name, artefact.sha256)
        try:
            with claim(
                self.cache,
                artefact.sha256,
                self.hooks.check,
                lambda: self.hooks.say(f"{artefact.file}: another fetch is at work on it"),
            ) as mine:
                if self._is_there(target):
                    return False
                self._from_anywhere(artefact, mine, target)
                return True
        except OSError as error:
            raise _cache_error(error, self.cache, artefact) from error

    def _from_anywhere(self, artefact: Artefact, mine: Claim, target: str) -> None:
        problems: list[str] = []
        wrong: WrongFile | None = None
        for url in self.places.of(artefact, problems):
            host = urlsplit(url).netloc
            try:
                with self._checked(url, artefact, mine) as file:
                    added = self._add(file)
                    if added == target:
                        return
                    self.store.delete(added)
                raise WrongFile(
                    f"{artefact.file}: changed on disk while it was put into the store",
                    hint="run the same command again",
                )
            except WrongFile as error:
                wrong = wrong or error
                problems.append(error.message)
            except HttpError as error:
                if host and not error.status and host not in self._answered:
                    self._silent.add(host)
                problems.append(error.message)
        if wrong is not None:
            rest = [line for line in problems if line != wrong.message]
            raise WrongFile(wrong.message, hint=wrong.hint, details="\n".join(rest))
        details = "\n".join(problems) or "no place that is configured has it"
        raise Unavailable(f"{artefact.file} can't be had", hint=_hint(artefact), details=details)

    @contextmanager
    def _checked(self, url: str, artefact: Artefact, mine: Claim) -> Iterator[Path]:
        """The right file, under its store name, as long as the block runs."""
        name = store_name(artefact.file)
        # Nix would put a symbolic link itself into the store, not what it leads to.
        local = Path(os.path.realpath(local_path(url))) if url.startswith("file:") else None
        if local is not None and os.path.isfile(local):
            if local.name == name:
                self._compare(url, local, artefact)
                yield local
                return
            if mine.link(name, local):
                with mine.finished(name) as file:
                    self._compare(url, file, artefact)
                    yield file
                return
        try:
            with self._slots, mine.part(name) as part:
                if urlsplit(url).netloc in self._silent:  # it may be since this waited for a slot
                    raise HttpError(url, "its host did not answer before")
                fill(self.http, url, artefact, part, self._progress(url, artefact))
        except WrongFile:
            mine.drop()
            raise
        with mine.finished(name) as file:
            yield file

    def _compare(self, url: str, file: Path, artefact: Artefact) -> None:
        digest, size, progress = hashlib.sha256(), 0, self._progress(url, artefact)
        with self._slots:
            for chunk in chunks(url, file):
                digest.update(chunk)
                size += len(chunk)
                progress(size)
        compare(url, artefact, digest.hexdigest())

    def _progress(self, url: str, artefact: Artefact) -> Callable[[int], None]:
        host = urlsplit(url).netloc

        def progress(size: int) -> None:
            if size:
                self._answered.add(host)
            self.hooks.check()
            self.hooks.progress(artefact, size)

        return progress

    def _are_there(self, paths: list[str]) -> list[bool]:
        there = self.store.valid(paths)
        return [path in there for path in paths]


def _hint(artefact: Artefact) -> str:
    if artefact.kind == "deb":
        return (
            "mirrors keep only current versions: `nixrepro lock --upgrade "
            f"{artefact.name}` takes the one there now, or --from FOLDER a copy of this one"
        )
    if artefact.kind == "file":
        own = f"put it at {artefact.path}, or " if artefact.path else ""
        name = f"--data {artefact.name} " if artefact.optional else ""
        return f"{own}put {artefact.file} in a folder, then: nixrepro fetch {name}--from FOLDER"
    return "check the indexes of pip's or uv's configuration, or name a folder: --from FOLDER"


def _cache_error(error: OSError, cache: Path, artefact: Artefact) -> CacheError:
    what = error.strerror or str(error)
    if error.errno in _FULL:
        hint = f"make room, or set XDG_CACHE_HOME to a folder on another disk than {cache}"
    else:
        hint = "make it writable, or set XDG_CACHE_HOME to another folder"
    return CacheError(f"{artefact.file} can't be kept in {cache}: {what}", hint=hint)

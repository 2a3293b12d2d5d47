"""The stage `fetch`: whatever the lock names and the store lacks, many at a time."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from nixrepro.cache import folder
from nixrepro.fetch import folders
from nixrepro.fetch.display import Display
from nixrepro.fetch.download import Downloader, Store, Unavailable
from nixrepro.fetch.parts import sweep
from nixrepro.fetch.places import Places
from nixrepro.fetch.transfer import WrongFile
from nixrepro.lock import Artefact, Lock

WORKERS = 8
# For each file that is read or downloaded, so many may wait for Nix, in one call.
_WAITING = 8


@dataclass(frozen=True)
class Report:
    """What a fetch did.

    Args:
        fetched: new in the store.
        present: were there before, or brought by another fetch meanwhile.
    """

    fetched: tuple[Artefact, ...]
    present: tuple[Artefact, ...]


def wanted(lock: Lock, data: Collection[str] = ()) -> list[Artefact]:
    """The artefacts of a lock but for optional data that is not named."""
    return [each for each in lock.artefacts if not each.optional or each.name in data]


def lacking(artefacts: Iterable[Artefact], store: Store) -> list[Artefact]:
    """The artefacts that the store does not hold, each file once."""
    paths = {folders.place(store, artefact): artefact for artefact in artefacts}
    there = store.valid(list(paths)) if paths else set()
    return [artefact for path, artefact in paths.items() if path not in there]


def fetch(
    lock: Lock,
    store: Store,
    places: Places,
    *,
    data: Collection[str] = (),
    cache: Path | None = None,
    workers: int = WORKERS,
    quiet: bool = False,
) -> Report:
    """Bring into the store what it lacks.

    Args:
        lock: names the artefacts.
        store: takes them.
        places: knows where they are.
        data: names of the optional data to fetch too.
        cache: folder for half-fetched files; None for the user's own.
        workers: how many to read or download at a time.
        quiet: show no progress.

    Raises:
        FetchError: some artefact could not be had; all others were fetched before it is raised,
            unless the disk is full or the cache can't be written.
    """
    cache = folder("artefacts") if cache is None else cache
    sweep(cache, time.time())
    asked = wanted(lock, data)
    # The large ones first, or the last of them would run alone at the end.
    absent = sorted(lacking(asked, store), key=lambda artefact: -artefact.size)
    fetched: list[Artefact] = []
    failed: list[WrongFile | Unavailable] = []
    for artefact in [each for each in absent if each.kind == "folder"]:
        absent.remove(artefact)
        try:
            folders.bring(store, places.local(artefact), artefact)
            fetched.append(artefact)
        except (WrongFile, Unavailable) as error:
            failed.append(error)
    with Display(absent, quiet=quiet) as display:
        downloader = Downloader(places.http, places, store, cache, display, workers)
        with ThreadPoolExecutor(workers * _WAITING, thread_name_prefix="fetch") as pool:
            jobs = {pool.submit(downloader.bring, artefact): artefact for artefact in absent}
            try:
                _collect(jobs, display, fetched, failed)
            except BaseException:
                display.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                places.http.close()
                raise
    if failed:
        raise _together(failed)
    new = set(fetched)
    return Report(tuple(fetched), tuple(artefact for artefact in asked if artefact not in new))


def _collect(
    jobs: dict[Future[bool], Artefact],
    display: Display,
    fetched: list[Artefact],
    failed: list[WrongFile | Unavailable],
) -> None:
    """Wait for all; a trouble that all others would meet too ends it at once."""
    for job in as_completed(jobs):
        try:
            if job.result():
                fetched.append(jobs[job])
            display.done()
        except (WrongFile, Unavailable) as error:
            failed.append(error)


def _together(errors: list[WrongFile | Unavailable]) -> WrongFile | Unavailable:
    """One error for all; a wrong file is worse news than one that is not there."""
    errors.sort(key=lambda error: (not isinstance(error, WrongFile), error.message))
    first = errors[0]
    if len(errors) == 1:
        return first
    lines = [line for error in errors for line in (error.message, *_indented(error.details))]
    message = f"{len(errors)} files could not be fetched"
    return type(first)(message, hint=first.hint, details="\n".join(lines))


def _indented(text: str) -> list[str]:
    return ["  " + line for line in text.splitlines()]

"""What no index says of a file: its size and digest, or where else it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nixrepro.lock import Artefact
from nixrepro.registries import simple
from nixrepro.resolve import pylock
from nixrepro.urls import is_remote, local_path, public

if TYPE_CHECKING:
    from nixrepro.http import Http

_AT_ONCE = 8


def measure(http: Http, file: pylock.File) -> tuple[int, str]:
    """Size and digest of a file of which the index does not say both.

    Raises:
        HttpError: it can't be had.
    """
    if file.sha256 and not is_remote(file.url):
        return local_path(file.url).stat().st_size, file.sha256

    def read() -> tuple[int, str]:
        import hashlib

        digest, size = hashlib.sha256(), 0
        with http.stream(file.url) as stream:
            if file.sha256 and stream.total is not None:
                return stream.total, file.sha256
            for chunk in stream.chunks:
                digest.update(chunk)
                size += len(chunk)
        return size, file.sha256 or digest.hexdigest()

    return http.persist(read)


def recorded(
    artefacts: Sequence[Artefact], indexes: Sequence[str], http: Http
) -> tuple[Artefact, ...]:
    """With URLs also for what came from a folder of this machine, where an index has it too.

    Raises:
        FetchError: an index can't be had.
    """
    from concurrent.futures import ThreadPoolExecutor

    def find(artefact: Artefact) -> Artefact:
        for index in () if artefact.url else indexes:
            for link in simple.project(http, index, artefact.name):
                if (link.name, link.sha256) == (artefact.file, artefact.sha256):
                    return replace(artefact, url=public(link.url))
        return artefact

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return tuple(pool.map(find, artefacts))

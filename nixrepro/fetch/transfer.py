"""Fills a part from one URL: goes on where it was cut, and stops at the first byte too many."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from nixrepro.errors import FetchError
from nixrepro.fetch.parts import Part
from nixrepro.http import Http, HttpError
from nixrepro.lock import Artefact
from nixrepro.urls import public


class WrongFile(FetchError):
    """A place gave another file than the lock names; nothing of it was kept."""


def fill(
    http: Http, url: str, artefact: Artefact, part: Part, progress: Callable[[int], None]
) -> None:
    """Complete a part; it is given up after `http.tries` attempts that gained nothing.

    Args:
        http: gets the bytes.
        url: where they are.
        artefact: what they must be.
        part: what is here already.
        progress: told how many bytes are here, with every chunk; may raise to stop.

    Raises:
        HttpError: the place does not give them.
        WrongFile: it gives others.
    """
    resumed = part.size > 0
    _fill(http, url, artefact.size, part, progress)
    if resumed and part.sha256() != artefact.sha256:
        # The old bytes may be at fault, not this place.
        part.reset()
        _fill(http, url, artefact.size, part, progress)
    compare(url, artefact, part.sha256())


def compare(url: str, artefact: Artefact, sha256: str) -> None:
    """Refuse what has another digest than the lock says.

    Raises:
        WrongFile: naming the artefact, both digests and the place.
    """
    if sha256 != artefact.sha256:
        raise WrongFile(
            f"{artefact.file}: expected sha256 {artefact.sha256}, got {sha256} from {public(url)}",
            hint="the file there was changed or damaged, and nothing of it was kept: try again, "
            "or take it from elsewhere (--from FOLDER)",
        )


def _fill(http: Http, url: str, size: int, part: Part, progress: Callable[[int], None]) -> None:
    failed = 0
    while True:
        before = part.size
        try:
            _attempt(http, url, size, part, progress)
            return
        except HttpError as error:
            if error.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.size:
                part.reset()
                continue
            failed = 1 if part.size > before else failed + 1
            if not error.again or failed >= http.tries:
                raise
        http.wait(failed)


def _attempt(http: Http, url: str, size: int, part: Part, progress: Callable[[int], None]) -> None:
    if size and part.size > size:
        part.reset()
    progress(part.size)
    if size and part.size == size:
        return
    with http.stream(url, offset=part.size) as stream:
        if stream.offset != part.size:
            part.reset()
        if size and stream.total not in (None, size):
            raise _wrong_size(url, size, f"{stream.total}")
        for chunk in stream.chunks:
            part.write(chunk)
            if size and part.size > size:
                raise _wrong_size(url, size, "more")
            progress(part.size)
    if part.size < size:
        raise HttpError(url, f"ended after {part.size} of {size} bytes", again=True)


def _wrong_size(url: str, size: int, found: str) -> WrongFile:
    return WrongFile(
        f"{public(url)}: expected a file of {size} bytes, and it has {found}",
        hint="another file is there now: try another mirror or index, or --from FOLDER",
    )

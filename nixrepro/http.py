"""The tool's one HTTP client: retries, proxies, the user's CA certificates, and file:// alike."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from threading import Lock as Mutex
from typing import TYPE_CHECKING, TypeVar

from nixrepro import __version__
from nixrepro.errors import FetchError
from nixrepro.urls import local_path, public

if TYPE_CHECKING:
    import httpx

Result = TypeVar("Result")

CHUNK = 1 << 18
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class HttpError(FetchError):
    """A URL did not answer with what was asked.

    Args:
        url: kept without user name and password.
        reason: in few words, such as "404 Not Found" or "connection refused".
        status: of HTTP; 404 also for a missing local file, 0 where there was no answer.
        again: whether a later try may go better.
    """

    def __init__(self, url: str, reason: str, *, status: int = 0, again: bool = False) -> None:
        self.url = public(url)
        self.reason = reason
        self.status = status
        self.again = again
        hint = "" if status else "check the network, the proxy variables and the registry's URL"
        super().__init__(f"{self.url}: {reason}", hint=hint)


@dataclass(frozen=True)
class Answer:
    """A whole body, the type its server gave it ("" for files), and where it was in the end."""

    body: bytes
    content_type: str
    url: str


@dataclass(frozen=True)
class Stream:
    """A body as it comes: it begins at byte `offset`; the whole is `total` bytes, if known."""

    offset: int
    total: int | None
    chunks: Iterator[bytes]


class Http:
    """Fetches URLs; one per process, used from many threads.

    Args:
        cert: file of CA certificates to trust in place of the system's, or "".
        proxy: URL of a proxy; "" takes the usual variables.
        tries: attempts in all at what may go better the next time.
        timeout: seconds without a byte before an attempt is given up.
        pause: seconds before the second attempt, doubled for each further one.
        sleep: how to wait.
    """

    def __init__(
        self,
        *,
        cert: str = "",
        proxy: str = "",
        tries: int = 4,
        timeout: float = 30.0,
        pause: float = 0.5,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.tries = tries
        self._cert = cert
        self._proxy = proxy
        self._timeout = timeout
        self._pause = pause
        self._sleep = sleep
        self._client: httpx.Client | None = None
        self._mutex = Mutex()

    def get(self, url: str, *, accept: str = "*/*") -> bytes:
        """The whole body at a URL.

        Raises:
            HttpError: it can't be had.
        """
        return self.ask(url, accept=accept).body

    def ask(self, url: str, *, accept: str = "*/*") -> Answer:
        """The whole body at a URL, its content type and its final URL.

        Raises:
            HttpError: it can't be had.
        """
        return self.persist(lambda: self._ask(url, accept))

    def persist(self, attempt: Callable[[], Result]) -> Result:
        """Try something until it goes well, or no other try would go better, or `tries` are over.

        Args:
            attempt: called again from its beginning.

        Raises:
            HttpError: the last one's.
        """
        tried = 0
        while True:
            tried += 1
            try:
                return attempt()
            except HttpError as error:
                if not error.again or tried >= self.tries:
                    raise
                self.wait(tried)

    def wait(self, attempt: int) -> None:
        """Wait after a failed attempt, counted from 1: longer each time, 8 seconds at most."""
        self._sleep(min(self._pause * 2.0 ** (attempt - 1), 8.0))

    @contextmanager
    def stream(self, url: str, *, offset: int = 0) -> Iterator[Stream]:
        """One attempt at a body as it comes, from byte `offset` on where the server can do that.

        Raises:
            HttpError: it can't be had, or breaks off while its chunks are read.
        """
        if url.startswith("file:"):
            with _read(url, offset) as stream:
                yield stream
            return
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        with _readable(url), self._open().stream("GET", url, headers=headers) as response:
            _check(url, response)
            start = offset if response.status_code == HTTPStatus.PARTIAL_CONTENT else 0
            said = response.headers.get("Content-Range", "")
            if start and not said.startswith(f"bytes {start}-"):
                raise HttpError(url, f"asked for bytes from {start}, got {said or 'no range'}")
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            yield Stream(start, total, _chunks(url, response))

    def close(self) -> None:
        """Close all connections."""
        with self._mutex:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, url: str, accept: str) -> Answer:
        if url.startswith("file:"):
            with _read(url, 0) as stream:
                return Answer(b"".join(stream.chunks), "", url)
        with _readable(url):
            response = self._open().get(url, headers={"Accept": accept})
            _check(url, response)
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Answer(response.content, kind, str(response.url))

    def _open(self) -> httpx.Client:
        # Made when first needed: reading the CA certificates takes tens of milliseconds.
        with self._mutex:
            if self._client is None:
                import httpx

                from nixrepro.certificates import trust

                self._client = httpx.Client(
                    verify=trust(self._cert),
                    timeout=self._timeout,
                    follow_redirects=True,
                    proxy=self._proxy or None,
                    headers={"User-Agent": f"nixrepro/{__version__}"},
                )
            return self._client


@contextmanager
def _readable(url: str) -> Iterator[None]:
    """Turn what the HTTP library raises into an HttpError."""
    import ssl

    import httpx

    try:
        yield
    except httpx.TimeoutException as error:
        raise HttpError(url, "no answer in time", again=True) from error
    except httpx.TransportError as error:
        refused = isinstance(error, httpx.UnsupportedProtocol) or _caused(error, ssl.SSLError)
        raise HttpError(url, _said(error), again=not refused) from error
    except (httpx.InvalidURL, httpx.RequestError) as error:
        raise HttpError(url, _said(error)) from error


def _said(error: Exception) -> str:
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__


def _caused(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _check(url: str, response: httpx.Response) -> None:
    if not response.is_success:
        status = response.status_code
        reason = f"{status} {response.reason_phrase}".strip()
        raise HttpError(url, reason, status=status, again=status in _RETRIED)


def _chunks(url: str, response: httpx.Response) -> Iterator[bytes]:
    with _readable(url):
        # With a chunk size, what a broken connection gave last would be lost.
        yield from response.iter_raw()


@contextmanager
def _read(url: str, offset: int) -> Iterator[Stream]:
    path = local_path(url)
    if path.is_dir():
        path = path / "index.html"
    with _legible(url):
        total = path.stat().st_size
    start = min(offset, total)
    # What the reader of the chunks raises, as of a full disk, is no trouble of this file.
    with closing(chunks(url, path, start)) as body:
        yield Stream(start, total, body)


def chunks(url: str, path: Path, offset: int = 0) -> Generator[bytes, None, None]:
    """The bytes of a local file from `offset` on.

    Args:
        url: named in the error.
        path: the file.
        offset: where to begin.

    Raises:
        HttpError: it is not there, or can't be read.
    """
    with _legible(url):
        file = path.open("rb", buffering=0)
    with file:
        file.seek(offset)
        while True:
            with _legible(url):
                chunk = file.read(CHUNK)
            if not chunk:
                return
            yield chunk


@contextmanager
def _legible(url: str) -> Iterator[None]:
    """Turn what the file system raises into an HttpError."""
    try:
        yield
    except FileNotFoundError as error:
        raise HttpError(url, "no such file", status=HTTPStatus.NOT_FOUND) from error
    except OSError as error:
        raise HttpError(url, error.strerror or str(error)) from error

"""The Simple Repository API (PEP 691 as JSON, PEP 503 as HTML): where an index has which file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from nixrepro.errors import FetchError
from nixrepro.http import Answer, Http, HttpError
from nixrepro.urls import credentials, file_name, join, public

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, "
    "application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
)


@dataclass(frozen=True)
class Link:
    """A file that an index offers; `sha256` is "" and `size` 0 where it does not say."""

    name: str
    url: str
    sha256: str = ""
    size: int = 0


def project(http: Http, index: str, name: str) -> tuple[Link, ...]:
    """All files that an index has of a distribution; none where it does not know it.

    Args:
        http: asks.
        index: URL of the Simple API, which may hold user name and password.
        name: normalised name of the distribution.

    Raises:
        FetchError: the index can't be reached, or its answer can't be read.
    """
    return _page(http, join(index, name) + "/", index)


def page(http: Http, place: str, root: Path) -> tuple[Link, ...]:
    """The files of a find-links place: a folder, or a page of links.

    Args:
        http: asks.
        place: a path, relative to `root` if it is not absolute, or a URL.
        root: the project.

    Raises:
        FetchError: the page can't be reached or read.
    """
    if "://" in place and not place.startswith("file:"):
        return _page(http, place, place)
    path = root / (urlsplit(place).path if place.startswith("file:") else place)
    if path.is_dir():
        return tuple(Link(file.name, file.as_uri()) for file in sorted(path.resolve().iterdir()))
    return _page(http, path.resolve().as_uri(), "")


def parse(answer: Answer) -> tuple[Link, ...]:
    """The files that a page of an index lists.

    Raises:
        FetchError: it is no such page.
    """
    kind = answer.content_type
    if kind.endswith("+json") or (not kind and answer.body.lstrip()[:1] == b"{"):
        try:
            files = json.loads(answer.body)["files"]
            return tuple(_from_json(entry, answer.url) for entry in files)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise FetchError(f"{public(answer.url)}: not a page of a package index") from error
    reader = _Links(answer.url)
    reader.feed(answer.body.decode("utf-8", errors="replace"))
    return tuple(reader.links)


def _page(http: Http, url: str, source: str) -> tuple[Link, ...]:
    try:
        found = parse(http.ask(url, accept=ACCEPT))
    except HttpError as error:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return ()
        raise
    return tuple(
        Link(link.name, credentials(link.url, source), link.sha256, link.size) for link in found
    )


def _from_json(entry: dict[str, Any], base: str) -> Link:
    size = entry.get("size")
    return Link(
        str(entry["filename"]),
        urljoin(base, str(entry["url"])),
        str(entry.get("hashes", {}).get("sha256", "")),
        size if isinstance(size, int) else 0,
    )


class _Links(HTMLParser):
    """Collects the anchors of a page; a `base` element moves what they are relative to."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._base = url
        self.links: list[Link] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if not target:
            return
        if tag == "base":
            self._base = urljoin(self._base, target)
        elif tag == "a":
            url, _, fragment = urljoin(self._base, target).partition("#")
            digest = parse_qs(fragment).get("sha256", [""])[0]
            self.links.append(Link(file_name(url), url, digest))

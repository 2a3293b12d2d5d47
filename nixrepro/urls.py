"""URLs and local paths: one from the other, without secrets, and the file name at their end."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit


def public(url: str) -> str:
    """The URL without the user name and password that it may hold."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def credentials(url: str, source: str) -> str:
    """`url` with the user name and password of `source`, if both are on the same host."""
    parts, known = urlsplit(url), urlsplit(source)
    secret, _, host = known.netloc.rpartition("@")
    if not secret or "@" in parts.netloc or parts.netloc != host or parts.scheme != known.scheme:
        return url
    return urlunsplit(parts._replace(netloc=known.netloc))


def is_remote(url: str) -> bool:
    """Whether it is to be had over the network."""
    return urlsplit(url).scheme in ("http", "https")


def local_path(url: str) -> Path:
    """The path that a file:// URL means."""
    return Path(unquote(urlsplit(url).path))


def join(base: str, *names: str) -> str:
    """A URL below another, which is taken as a folder."""
    return urljoin(base if base.endswith("/") else base + "/", "/".join(names))


def file_name(url: str) -> str:
    """The decoded last part of a URL's path."""
    return unquote(urlsplit(url).path.rpartition("/")[2])

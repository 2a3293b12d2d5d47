"""Gets the indexes of a suite: the signed root, then each file by its hash, kept in the cache."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from nixrepro.canonical import write_atomic
from nixrepro.errors import FetchError, ResolveError
from nixrepro.names import SUITES
from nixrepro.registries.apt import Mirrors
from nixrepro.resolve import release
from nixrepro.resolve.index import Index, trimmed, unpacked
from nixrepro.resolve.package import ARCHITECTURE
from nixrepro.resolve.signature import signed_text
from nixrepro.urls import public

# Part of a cached file's name: another number when `trimmed` keeps something else.
_FORMAT = "packages-2"
_DIGEST = 32  # bytes
_NO_DAY = "check that tool.nixrepro.base.snapshot is a snapshot archive that knows that day"
_UNUSED = 30 * 24 * 3600  # seconds

# The one that is always in the making has no -updates and no -security beside it.
_ROLLING = "sid"


class Http(Protocol):
    """Gets a whole file over HTTP."""

    def get(self, url: str) -> bytes:
        """The file's bytes; raises FetchError where it can't be had."""


@dataclass(frozen=True)
class Archives:
    """All that reading an archive takes.

    Args:
        http: gets files.
        mirrors: where the archives are.
        keys: OpenPGP certificates that may sign.
        cache: folder for index files, named by their hash; made when missing.
        as_of: the day to see the archive at; None for now.
    """

    http: Http
    mirrors: Mirrors
    keys: bytes
    cache: Path
    as_of: date | None = None

    def suite(self, name: str) -> list[Index]:
        """The packages of a suite, of its updates and of its security fixes.

        Raises:
            ResolveError: not a suite we know, or an index is not to be trusted.
            FetchError: an index can't be had.
            ConfigError: no mirror is known.
        """
        if name not in SUITES:
            raise ResolveError(
                f"there is no suite {name!r}",
                hint=f"the suites are {', '.join(SUITES)}",
            )
        parts = [(name, "debian")]
        if name != _ROLLING:
            parts += [(f"{name}-updates", "debian"), (f"{name}-security", "debian-security")]
        return [self._index(part, archive, name) for part, archive in parts]

    def _index(self, part: str, archive: str, group: str) -> Index:
        root = f"{self.mirrors.base(archive, self.as_of)}/dists/{part}"
        url = f"{root}/InRelease"
        text = signed_text(self._get(url), self.keys, public(url))
        found = release.parse(
            text,
            part,
            now=release.moment_of(self.as_of),
            expired=self.mirrors.expired and self.as_of is None,
        )
        for ending in (".xz", ".gz", ""):
            name = f"main/binary-{ARCHITECTURE}/Packages{ending}"
            if name in found.files:
                return Index(self._blocks(root, name, found), group, archive)
        raise ResolveError(
            f"the suite {part} has no packages for {ARCHITECTURE}", hint="check the mirror's URL"
        )

    def _blocks(self, root: str, name: str, found: release.Release) -> list[bytes]:
        """An index file, trimmed: from the cache, or fetched, checked and put there."""
        kept = self.cache / f"{found.files[name][1]}.{_FORMAT}"
        blocks = _read(kept)
        if blocks is None:
            data = self._file(root, name, found)
            blocks = list(trimmed(unpacked(data, name, public(f"{root}/{name}"))))
            with suppress(OSError):  # a cache that can't be written costs time only
                self.cache.mkdir(parents=True, exist_ok=True)
                write_atomic(kept, _framed(blocks))
                _sweep(self.cache)
        return blocks

    def _file(self, root: str, name: str, found: release.Release) -> bytes:
        size, sha256 = found.files[name]
        url = f"{root}/{name}"
        data = self._by_hash(f"{url.rpartition('/')[0]}/by-hash/SHA256/{sha256}", found)
        if data is None:
            data = self._get(url)
        actual = hashlib.sha256(data).hexdigest()
        if (len(data), actual) != (size, sha256):
            raise ResolveError(
                f"{public(url)} is not the file that the signed index names: it has {len(data)} "
                f"bytes with sha256 {actual}, and {size} bytes with {sha256} are due",
                hint="the mirror may be in the middle of an update: try again later",
            )
        return data

    def _by_hash(self, url: str, found: release.Release) -> bytes | None:
        """A file under its hash, where it is the signed one even while the mirror is updated."""
        try:
            return self.http.get(url) if found.by_hash else None
        except FetchError:  # some caching proxies don't know these paths
            return None

    def _get(self, url: str) -> bytes:
        try:
            return self.http.get(url)
        except FetchError as error:
            day = "" if self.as_of is None else f"the archive as of {self.as_of} can't be had: "
            raise FetchError(
                day + error.message,
                hint=error.hint or ("check the mirror's URL" if not day else _NO_DAY),
                details=error.details,
            ) from None


def _sweep(folder: Path) -> None:
    """Remove what nothing has used for a month: indexes change several times a day."""
    for file in folder.iterdir():
        if file.stat().st_mtime < time.time() - _UNUSED:
            file.unlink(missing_ok=True)


def _framed(blocks: list[bytes]) -> bytes:
    """What the cache keeps: the digest of all that follows it, then each block with its size."""
    body = b"".join(part for block in blocks for part in (len(block).to_bytes(4, "big"), block))
    return hashlib.sha256(body).digest() + body


def _read(path: Path) -> list[bytes] | None:
    """The blocks that a file of the cache holds; None where it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(memoryview(data)[_DIGEST:]).digest() != data[:_DIGEST]:
        return None
    with suppress(OSError):  # somebody else's cache may be read-only
        os.utime(path)
    blocks, at = [], _DIGEST
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        blocks.append(data[at + 4 : end])
        at = end
    return blocks

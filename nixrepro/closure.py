"""The closure of an environment: its store paths, each with its NAR hash, and their digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nixrepro.base32 import encode

_HASH = re.compile(r"sha256:[0-9a-z]{52}")


@dataclass(frozen=True, order=True)
class StorePath:
    """One path of a closure.

    Args:
        path: its store path.
        nar_hash: SHA-256 of its NAR, as `nix-store --query --hash` spells it.
        nar_size: bytes of its NAR.
    """

    path: str
    nar_hash: str
    nar_size: int


@dataclass(frozen=True)
class Closure:
    """The store paths that an environment reaches, sorted.

    Args:
        paths: all of them, each once.
    """

    paths: tuple[StorePath, ...]

    def __post_init__(self) -> None:
        by_path = {item.path: item for item in self.paths}
        if len(by_path) != len(self.paths):
            raise ValueError("a store path stands in it twice")
        object.__setattr__(self, "paths", tuple(by_path[path] for path in sorted(by_path)))

    @property
    def digest(self) -> str:
        """SHA-256 of its sorted lines "path narHash": 64 hex digits, an environment's identity."""
        lines = "".join(f"{item.path} {item.nar_hash}\n" for item in self.paths)
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all its NARs."""
        return sum(item.nar_size for item in self.paths)

    def by_path(self) -> dict[str, StorePath]:
        """Its paths by their names."""
        return {item.path: item for item in self.paths}


def of_document(document: Mapping[str, Any]) -> Closure:
    """The closure that a record or the facts of an environment hold.

    Raises:
        ValueError: it is of another shape.
    """
    entries = document.get("closure")
    if not isinstance(entries, list):
        raise ValueError("it holds no closure")
    return Closure(tuple(_entry(entry) for entry in entries))


def _entry(entry: object) -> StorePath:
    if isinstance(entry, dict):
        path, nar_hash, size = (entry.get(key) for key in ("path", "narHash", "narSize"))
        if (
            isinstance(path, str)
            and isinstance(size, int)
            and isinstance(nar_hash, str)
            and _HASH.fullmatch(nar_hash)
        ):
            return StorePath(path, nar_hash, size)
    raise ValueError(f"its closure has an entry that is none: {str(entry)[:100]}")


@dataclass(frozen=True)
class Registered:
    """What Nix's database says of one store path.

    Args:
        item: its path, hash and size.
        references: the store paths that it names.
    """

    item: StorePath
    references: tuple[str, ...]


def registered(text: str) -> tuple[Registered, ...]:
    """What `nix-store --dump-db` prints of store paths.

    For each: its path, NAR hash in hex, NAR size, deriver, number of references, references.

    Raises:
        ValueError: it is of another shape.
    """
    lines = text.splitlines()
    found, at = [], 0
    while at < len(lines):
        try:
            path, digest, size, _, count = lines[at : at + 5]
            nar_hash = "sha256:" + encode(bytes.fromhex(digest.removeprefix("sha256:")))
            end = at + 5 + int(count)
            if end > len(lines):
                raise ValueError
            item = StorePath(path, nar_hash, int(size))
        except ValueError:
            raise ValueError(
                f"Nix's list of paths has a line that is none: {lines[at]!r}"
            ) from None
        found.append(Registered(item, tuple(lines[at + 5 : end])))
        at = end
    return tuple(found)

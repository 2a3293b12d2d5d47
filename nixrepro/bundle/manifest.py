"""The first member of a bundle: what the others are, each with its size and SHA-256."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from nixrepro.bundle.named import MANIFEST
from nixrepro.canonical import json_bytes
from nixrepro.errors import NixreproError

NAME = MANIFEST
KIND = "nixrepro bundle"
FORMAT = 1
RECORD, ARTEFACTS, LARGE, CODE, CACHE = "record/", "artefacts/", "large/", "code/", "cache/"
# A name that can lead nowhere else, on any system; folders have no dot in front.
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9+._?=-]{0,220}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STORE = re.compile(r"/nix/store/[0-9a-df-np-sv-z]{32}-[A-Za-z0-9+._?=-]{1,211}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LARGEST = 64 << 20  # of a manifest: a hundred thousand members have less


class BrokenBundle(NixreproError):
    """A bundle that is damaged, or that nobody may have made so."""


@dataclass(frozen=True)
class Member:
    """What a bundle says of one of its files: bytes, and 64 hex digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is in a bundle.

    Args:
        run: the run's id.
        project: the project's folder in its repository; "" for the top.
        code: the commit of each file of objects, by its name.
        history: whether the objects are those of all earlier commits too.
        closure: the store paths that the cache in it was made of; none where it has no cache.
        members: by name.
    """

    run: str
    project: str
    code: dict[str, str] = field(default_factory=dict)
    history: bool = False
    closure: tuple[str, ...] = ()
    members: dict[str, Member] = field(default_factory=dict)


def written(manifest: Manifest) -> bytes:
    """Its canonical bytes."""
    return json_bytes(
        {
            "kind": KIND,
            "format": FORMAT,
            "run": manifest.run,
            "project": manifest.project,
            "code": manifest.code,
            "history": manifest.history,
            "closure": list(manifest.closure),
            "members": {name: vars(member) for name, member in manifest.members.items()},
        }
    )


def parse(data: bytes, file: str) -> Manifest:
    """Read it, and refuse whatever could be meant to lead astray.

    Raises:
        BrokenBundle: naming the bundle's file, and what is wrong.
    """
    try:
        value: Any = json.loads(data)
        if value["kind"] != KIND:
            raise ValueError(f"its kind is {value['kind']!r}")
        if value["format"] != FORMAT:
            raise BrokenBundle(
                f"{file} was written by a later nixrepro (format {value['format']})",
                hint="update nixrepro to read it",
            )
        members = {
            name: Member(_size(entry["size"]), _like(_SHA256, entry["sha256"]))
            for name, entry in value["members"].items()
            if checked(name)
        }
        return Manifest(
            _like(_SHA256, value["run"]),
            _folder(value["project"]),
            {name: _like(_COMMIT, commit) for name, commit in value["code"].items()},
            bool(value["history"]),
            tuple(_like(_STORE, path) for path in value["closure"]),
            members,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenBundle(f"{file} has no manifest of a bundle: {error!r}") from error


def checked(name: str) -> str:
    """A member's name, which can lead out of no folder.

    Raises:
        ValueError: it could.
    """
    parts = name.split("/")
    if name == NAME or len(parts) > len("abcd") or not all(map(_PART.fullmatch, parts)):
        raise ValueError(f"{name!r} is no name of a member")
    return name


def largest() -> int:
    """Bytes that a manifest may have."""
    return _LARGEST


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def _like(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not what may stand there")
    return value


def _folder(value: Any) -> str:
    if not isinstance(value, str) or value.startswith("/") or ".." in value.split("/"):
        raise ValueError(f"{value!r} is no folder in a repository")
    return value

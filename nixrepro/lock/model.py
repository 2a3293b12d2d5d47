"""Every artefact of a closure, pinned, and the question that they answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

VERSION = 1
FILE = "nixrepro.lock"
LAYERS = ("system", "accelerator", "wheels", "data")


@dataclass(frozen=True)
class Artefact:
    """One downloaded file.

    Args:
        layer: one of `LAYERS`.
        name: package, normalised distribution, or data name.
        version: "" for data.
        kind: "deb", "wheel", "sdist", "file" or "folder" (of data).
        role: "" (in the environment), "bootstrap" (the frozen set that unpacks), "observer" (what
            watches a run from outside) or "build".
        file: base name as published; may hold "~" and "%3a".
        size: bytes; 0 where it is not known, which only data may say.
        sha256: 64 hex digits; of a folder that of its archive as Nix makes it.
        archive: which Debian mirror, "debian" or "debian-security"; else "".
        location: pool path of a deb; else "".
        url: where it is, only when URLs are recorded; data always names its own.
        path: project-relative local copy of data.
        dependencies: names in the same layer and role, sorted; an observer's also in role "".
        build: for an sdist, "name==version" of each wheel of its build environment, sorted.
        optional: data that is fetched only when it is named.
        digest: of a folder, `merkle:` and 64 hex digits; else "".
    """

    layer: str
    name: str
    version: str
    kind: str
    role: str
    file: str
    size: int
    sha256: str
    archive: str
    location: str
    url: str = ""
    path: str = ""
    dependencies: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    optional: bool = False
    digest: str = ""


@dataclass(frozen=True)
class Lock:
    """The artefacts, sorted by layer, role, name and version, and what they answer.

    Args:
        python: upstream version of the base's Python, such as "3.11.2".
        glibc: upstream version, such as "2.36".
        question: `config.question()` of the configuration answered.
        artefacts: all of them.
        as_of: ISO date, or "".
    """

    python: str
    glibc: str
    question: dict[str, Any]
    artefacts: tuple[Artefact, ...]
    as_of: str = ""


def order(artefact: Artefact) -> tuple[int, str, str, str]:
    """Where an artefact stands in a lock."""
    return (LAYERS.index(artefact.layer), artefact.role, artefact.name, artefact.version)


def store_name(file: str) -> str:
    """The Nix store name of an artefact: what Nix refuses becomes "_"."""
    name = re.sub(r"[^A-Za-z0-9+._?=-]", "_", file)
    return "_" + name if name.startswith(".") else name

"""Writes a lock as canonical TOML: the same bytes for the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from nixrepro.canonical import digest
from nixrepro.lock.model import VERSION, Artefact, Lock, order
from nixrepro.toml_edit import key, pair

_HEAD = "# Made by `nixrepro lock` from pyproject.toml. Not meant to be edited by hand.\n"


def dumps(lock: Lock) -> str:
    """The lock's text."""
    lines = [_HEAD.rstrip("\n")]
    lines += [pair("version", VERSION), pair("python", lock.python), pair("glibc", lock.glibc)]
    if lock.as_of:
        lines.append(pair("as-of", lock.as_of))
    lines.append(pair("digest", answer(lock.artefacts)))
    lines += _table(("question",), {"digest": digest(lock.question), **lock.question})
    lines += _tables(lock.artefacts)
    return "\n".join(lines) + "\n"


def answer(artefacts: Iterable[Artefact]) -> str:
    """SHA-256 of what a lock says of all its artefacts, so that one that was lost is missed."""
    return hashlib.sha256("\n".join(_tables(artefacts)).encode()).hexdigest()


def _tables(artefacts: Iterable[Artefact]) -> list[str]:
    lines = []
    for artefact in sorted(artefacts, key=order):
        lines += ["", "[[artefact]]", *_artefact(artefact)]
    return lines


def _artefact(artefact: Artefact) -> list[str]:
    lines = [
        pair("layer", artefact.layer),
        pair("name", artefact.name),
        pair("version", artefact.version),
        pair("kind", artefact.kind),
    ]
    if artefact.role:
        lines.append(pair("role", artefact.role))
    lines += [
        pair("file", artefact.file),
        pair("size", artefact.size),
        pair("sha256", artefact.sha256),
    ]
    for name, value in (
        ("archive", artefact.archive),
        ("location", artefact.location),
        ("url", artefact.url),
        ("path", artefact.path),
        ("dependencies", artefact.dependencies),
        ("build", artefact.build),
        ("optional", artefact.optional),
        ("digest", artefact.digest),
    ):
        if value:
            lines.append(pair(name, value))
    return lines


def _table(path: tuple[str, ...], values: dict[str, Any]) -> list[str]:
    """A table, its plain values before its sub-tables; a sub-table without values stays."""
    inner = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = ["", f"[{'.'.join(map(key, path))}]"]
    lines += [pair(name, values[name]) for name in sorted(values) if name not in inner]
    for name in sorted(inner):
        lines += _table((*path, name), inner[name])
    return lines

"""Writes a lock as canonical TOML: the same bytes for the same answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

from nixrepro.canonical import digest
from nixrepro.lock.model import VERSION, Artefact, Lock, order

_HEAD = "# Made by `nixrepro lock` from pyproject.toml. Not meant to be edited by hand.\n"
_WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dumps(lock: Lock) -> str:
    """The lock's text."""
    lines = [_HEAD.rstrip("\n")]
    lines += [_pair("version", VERSION), _pair("python", lock.python), _pair("glibc", lock.glibc)]
    if lock.as_of:
        lines.append(_pair("as-of", lock.as_of))
    lines.append(_pair("digest", answer(lock.artefacts)))
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
        _pair("layer", artefact.layer),
        _pair("name", artefact.name),
        _pair("version", artefact.version),
        _pair("kind", artefact.kind),
    ]
    if artefact.role:
        lines.append(_pair("role", artefact.role))
    lines += [
        _pair("file", artefact.file),
        _pair("size", artefact.size),
        _pair("sha256", artefact.sha256),
    ]
    for key, value in (
        ("archive", artefact.archive),
        ("location", artefact.location),
        ("url", artefact.url),
        ("path", artefact.path),
        ("dependencies", artefact.dependencies),
        ("build", artefact.build),
        ("optional", artefact.optional),
    ):
        if value:
            lines.append(_pair(key, value))
    return lines


def _table(path: tuple[str, ...], values: dict[str, Any]) -> list[str]:
    """A table, its plain values before its sub-tables; a sub-table without values stays."""
    inner = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = ["", f"[{'.'.join(map(_key, path))}]"]
    lines += [_pair(name, values[name]) for name in sorted(values) if name not in inner]
    for name in sorted(inner):
        lines += _table((*path, name), inner[name])
    return lines


def _pair(name: str, value: Any) -> str:
    line = f"{_key(name)} = {_value(value)}"
    if isinstance(value, (list, tuple)) and len(line) > _WIDTH:
        items = "".join(f"    {_value(item)},\n" for item in value)
        return f"{_key(name)} = [\n{items}]"
    return line


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(item) for item in value)}]"
    raise TypeError(f"a lock can't hold {value!r}")


def _string(value: str) -> str:
    # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

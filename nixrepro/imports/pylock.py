"""Reads a pylock.toml (PEP 751), as `packaging` understands it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.errors import ImportFileError
from nixrepro.imports import wanted
from nixrepro.imports.folders import Folders
from nixrepro.imports.model import Imported, Left, Pin, fail, joined, text_of
from nixrepro.imports.requirements import root_of
from nixrepro.imports.tables import FALSE, TRUE, numbered, root, sha256
from nixrepro.toml_lines import Key, line_of
from nixrepro.urls import is_remote, public

if TYPE_CHECKING:
    from packaging.pylock import Package, Pylock

FORMAT = "pylock.toml"
_ATOM = re.compile(
    r"""(?P<quote>['"])(?P<name>[^'"]*)(?P=quote)\s+(?P<not>not\s+)?in\s+"""
    r"(?P<set>extras|dependency_groups)\b"
)


def read(path: Path, file: str) -> Imported:
    """Read a pylock.toml.

    Raises:
        ImportFileError: it is malformed; with file, line and reason.
    """
    return parse(text_of(path, file), file, Folders(root_of(path, file), path.parent))


def parse(text: str, file: str, folders: Folders) -> Imported:
    """The same of a text, with the local packages that it names."""
    whole = root(text, file)
    lock = validated(whole.values, text, file)
    pins: list[Pin] = []
    left: list[Left] = []
    asked: list[str] = []
    for (line, table), package in zip(
        numbered(text, "packages", whole.tables("packages")), lock.packages, strict=True
    ):
        if package.directory is not None:
            place = package.directory.path
            folders.take(str(package.name), place, line, wanted=Path(place) != Path())
            continue
        found = _pin(package, table.string("version"), lock, line)
        if isinstance(found, Left):
            left.append(found)
            continue
        if found.marker == FALSE:
            pins.append(Pin(found.name, found.version, "", found.hashes, found.url, line))
            continue
        pins.append(found)
        exact = f"=={found.version}" if found.version else ""
        asked.append(wanted.line(found.name, specifier=exact, marker=found.marker, url=found.url))
    return Imported(
        file=file,
        format=FORMAT,
        requirements=tuple(dict.fromkeys((*asked, *folders.requirements))),
        pins=joined(pins),
        python=str(lock.requires_python or ""),
        folders=tuple(folders.code),
        local=tuple(folders.names),
        files=tuple(folders.files),
        left=(*left, *folders.left),
    )


def validated(values: dict[str, Any], text: str, file: str) -> Pylock:
    """What `packaging` makes of the document.

    Raises:
        ImportFileError: it breaks a rule of PEP 751; with the line. Or `packaging` is too old.
    """
    try:
        from packaging.pylock import Pylock, PylockValidationError
    except ImportError:
        raise ImportFileError(
            f"{file}: the `packaging` that is installed is too old to read it",
            hint="install nixrepro[import]",
        ) from None
    try:
        return Pylock.from_dict(values)
    except PylockValidationError as error:
        key = _key(error.context or "")
        place = f"{error.context}: " if error.context else ""
        fail(file, max(line_of(text, key), 1), f"is no pylock.toml: {place}{error.message}")


def _key(context: str) -> Key:
    """`packages[3].wheels[0].hashes` as the names and numbers that lead there."""
    parts = re.findall(r"([^.\[\]]+)|\[(\d+)\]", context)
    return tuple(name if name else int(number) for name, number in parts)


def _pin(package: Package, version: str, lock: Pylock, line: int) -> Pin | Left:
    name = str(package.name)
    marker = _settled(str(package.marker or ""), lock)
    asked = marker != FALSE
    if package.vcs is not None:
        place = public(package.vcs.url or str(package.vcs.path))
        return Left(line, name, f"comes from a repository: {place}", asked)
    if package.archive is not None:
        url = package.archive.url or ""
        if not is_remote(url):
            place = package.archive.path or url
            return Left(line, name, f"comes from a file of a machine: {place}", asked)
        hashes = _sha256(package.archive.hashes)
        return Pin(name, version, marker, hashes, public(url), line)
    files = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
    if not version:
        return Left(line, name, "has no version", asked)
    return Pin(
        name,
        version,
        marker,
        tuple(sorted({h for f in files for h in _sha256(f.hashes)})),
        "",
        line,
    )


def _sha256(hashes: Any) -> tuple[str, ...]:
    return sha256(f"{kind}:{value}" for kind, value in hashes.items())


def _settled(marker: str, lock: Pylock) -> str:
    """The marker with its questions after extras and groups answered: no extra, default groups."""
    groups: Collection[str] = lock.default_groups or ()

    def answer(atom: re.Match[str]) -> str:
        held = atom["set"] == "dependency_groups" and atom["name"] in groups
        return TRUE if held != bool(atom["not"]) else FALSE

    settled = _ATOM.sub(answer, marker)
    return "" if settled == TRUE else settled

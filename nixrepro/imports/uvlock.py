"""Reads uv.lock: its packages in all their forks, and what the project itself asks for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nixrepro.imports import wanted
from nixrepro.imports.folders import Folders
from nixrepro.imports.model import Imported, Left, Pin, joined, text_of
from nixrepro.imports.requirements import root_of
from nixrepro.imports.tables import (
    check_marker,
    check_requirement,
    name_of,
    numbered,
    root,
    sha256,
    version_of,
)
from nixrepro.names import normalise
from nixrepro.tables import Table
from nixrepro.urls import public

FORMAT = "uv.lock"
_KNOWN = 1
_FOLDERS = ("virtual", "editable", "directory", "path")


def read(path: Path, file: str) -> Imported:
    """Read a uv.lock.

    Raises:
        ImportFileError: it is malformed; with file, line and reason.
    """
    return parse(text_of(path, file), file, Folders(root_of(path, file), path.parent))


def parse(text: str, file: str, folders: Folders) -> Imported:
    """The same of a text, with the local packages that it names."""
    whole = root(text, file)
    version = whole.number("version", None, 0, 1 << 30)
    if version > _KNOWN:
        whole.fail("version", f"is of a uv that is not known here: {version}")
    pins: list[Pin] = []
    left: list[Left] = []
    asked: tuple[str, ...] = ()
    own = ""
    for line, table in numbered(text, "package", whole.tables("package")):
        name, source = name_of(table), _source(table)
        if source in (("virtual", "."), ("editable", ".")):
            own = name
            asked, unsaid = _asked(table, file, line)
            left += unsaid
        if source[0] in ("editable", "directory") and source[1] != ".":
            folders.take(name, source[1], line, wanted=True)
        elif source == ("editable", "."):
            folders.take(name, ".", line, wanted=False)
        elif source == ("virtual", "."):
            continue
        elif source[0] in ("registry", "url"):
            pins.append(_pin(name, table, file, line, source))
        else:
            what = "a repository" if source[0] == "git" else "a file of a machine"
            place = public(source[1].partition("#")[0])
            spelled = f"{name} {table.string('version')}".strip()
            left.append(Left(line, spelled, f"comes from {what}: {place}"))
    if not own:
        asked = tuple(
            wanted.line(pin.name, specifier=f"=={pin.version}", marker=pin.marker, url=pin.url)
            for pin in pins
        )
        left.append(Left(0, file, "no project of its own says what is wanted: all it pins is"))
    return Imported(
        file=file,
        format=FORMAT,
        requirements=tuple(dict.fromkeys((*asked, *folders.requirements))),
        pins=joined(pins),
        python=whole.string("requires-python"),
        folders=tuple(folders.code),
        local=tuple(folders.names),
        files=tuple(folders.files),
        left=tuple(_once([*left, *folders.left])),
    )


def _once(left: list[Left]) -> Iterator[Left]:
    """Without what is said a second time of a package that is missing."""
    missing = {each.text for each in left if each.wanted}
    for each in left:
        if each.wanted or each.text.split(" ")[0] not in missing:
            yield each


def _source(table: Table) -> tuple[str, str]:
    """The kind of a package's source and its place."""
    source = table.table("source")
    for kind in ("registry", "url", "git", *_FOLDERS):
        if kind in source:
            return kind, source.string(kind)
    table.fail("source", "is of no kind that is known here")


def _pin(name: str, table: Table, file: str, line: int, source: tuple[str, str]) -> Pin:
    published = [table.table("sdist"), *table.tables("wheels")]
    return Pin(
        name,
        version_of(table),
        # A fork's; without any it holds everywhere.
        check_marker(wanted.either(*table.strings("resolution-markers")), file, line)
        if "resolution-markers" in table
        else "",
        sha256(each.string("hash") for each in published if "hash" in each),
        public(source[1]) if source[0] == "url" else "",
        line,
    )


def _asked(own: Table, file: str, line: int) -> tuple[tuple[str, ...], list[Left]]:
    """What the project's own entry asks for, and what of it can't be imported."""
    left: list[Left] = []
    metadata = own.table("metadata")
    groups = metadata.table("requires-dev")
    for group in (group for group in groups if groups.values[group]):
        reason = "a group of its own: it is pinned and not wanted"
        left.append(Left(line, f"dependency-groups.{group}", reason))

    def lines() -> Iterator[str]:
        for table in metadata.tables("requires-dist"):
            name, marker = table.string("name", None), table.string("marker")
            if "extra ==" in marker:
                continue  # of an extra, which is pinned and not wanted
            if any(table.string(kind) for kind in _FOLDERS):
                continue  # it has an entry of its own
            try:
                text = wanted.requirement(name, _entry(table))
            except wanted.Elsewhere as error:
                left.append(Left(line, normalise(name), str(error), wanted=True))
            else:
                yield check_requirement(text, file, line)

    return tuple(lines()), left


def _entry(table: Table) -> dict[str, Any]:
    """uv's words as those that `wanted` knows."""
    found: dict[str, Any] = dict(table.values)
    found["version"] = table.string("specifier") or "*"
    found["markers"] = table.string("marker")
    found["extras"] = table.strings("extras")
    return found

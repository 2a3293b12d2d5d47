"""Reads poetry.lock, of Poetry 1 and 2, and what the pyproject.toml beside it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from nixrepro.imports import wanted
from nixrepro.imports.folders import Folders
from nixrepro.imports.model import Imported, Left, Pin, joined, text_of
from nixrepro.imports.poetry_asked import Asked
from nixrepro.imports.requirements import root_of
from nixrepro.imports.tables import (
    check_marker,
    name_of,
    numbered,
    root,
    sha256,
    version_of,
    without_extras,
)
from nixrepro.names import normalise
from nixrepro.project import FILE
from nixrepro.tables import Table
from nixrepro.urls import public

FORMAT = "poetry.lock"
_KNOWN = 2


def read(path: Path, file: str) -> Imported:
    """Read a poetry.lock, and the requirements of the pyproject.toml in its folder.

    Raises:
        ImportFileError: one of them is malformed; with file, line and reason.
    """
    beside = path.with_name(FILE)
    project = text_of(beside, FILE) if beside.is_file() else ""
    return parse(text_of(path, file), file, Folders(root_of(path, file), path.parent), project)


def parse(text: str, file: str, folders: Folders, project: str = "") -> Imported:
    """The same of texts; `project` is the pyproject.toml, "" where there is none."""
    whole = root(text, file)
    metadata = whole.table("metadata")
    version = metadata.string("lock-version", "1.0")
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) > _KNOWN:
        metadata.fail("lock-version", f"is of a Poetry that is not known here: {version!r}")
    pins: list[Pin] = []
    left: list[Left] = []
    main: list[str] = []
    for line, table in numbered(text, "package", whole.tables("package")):
        pin = _pin(table, metadata, file, line)
        if table.table("source").string("type") == "directory":
            place = table.table("source").string("url")
            folders.take(pin.name, place, line, wanted=_is_main(table))
            continue
        if reason := _elsewhere(table):
            known = "groups" in table or "category" in table
            missing = known and _is_main(table)
            left.append(Left(line, f"{pin.name} {pin.version}", reason, wanted=missing))
            continue
        pins.append(pin)
        if _is_main(table):
            exact = f"=={pin.version}"
            main.append(wanted.line(pin.name, specifier=exact, marker=pin.marker, url=pin.url))
    asked = Asked(project).all() if project else None
    pins, unsure = _one_each(pins, asked[0] if asked else ())
    if asked is None:
        reason = f"no {FILE} beside it says what is wanted: all that it pins is"
        left.append(Left(0, file, reason))
    return Imported(
        file=file,
        format=FORMAT,
        requirements=tuple(
            dict.fromkeys((*(main if asked is None else asked[0]), *folders.requirements))
        ),
        pins=joined(pins),
        python=_python(metadata),
        folders=tuple(folders.code),
        local=tuple(folders.names),
        files=tuple(folders.files),
        left=(
            *left,
            *folders.left,
            *unsure,
            *(_new(asked[1], left, folders.names) if asked else ()),
        ),
    )


def _new(left: Iterable[Left], known: list[Left], local: list[str]) -> Iterator[Left]:
    """What pyproject.toml asks for in vain, but for what the lock said to be missing already."""
    missing = {*local, *(each.text.split(" ")[0] for each in known if each.wanted)}
    for each in left:
        if not (each.wanted and normalise(each.text) in missing):
            yield each


def _python(metadata: Table) -> str:
    asked = metadata.string("python-versions")
    try:
        return wanted.specifier(asked)
    except (wanted.Unsaid, ValueError):
        return ""


def _pin(table: Table, metadata: Table, file: str, line: int) -> Pin:
    name, version = name_of(table), version_of(table)
    spelled = table.string("name", None)
    source = table.table("source")
    url = public(source.string("url")) if source.string("type") == "url" else ""
    if "files" in table:
        hashes = [each.string("hash") for each in table.tables("files")]
    elif "files" in metadata:  # before 1.2
        hashes = [each.string("hash") for each in metadata.table("files").tables(spelled)]
    else:  # before 1.0
        hashes = list(metadata.table("hashes").strings(spelled))
    return Pin(name, version, _marker(table, file, line), sha256(hashes), url, line)


def _marker(table: Table, file: str, line: int) -> str:
    """The marker that Poetry 2 gives: one for all groups, or one for each."""
    given = table.values.get("markers", "")
    if not isinstance(given, dict):
        return without_extras(check_marker(table.string("markers"), file, line))
    of = {group: table.table("markers").string(group) for group in table.table("markers")}
    groups = table.strings("groups") or ("main",)
    each = (of.get(group, "") for group in groups)
    return without_extras(check_marker(wanted.either(*each), file, line))


def _is_main(table: Table) -> bool:
    """Whether it is among what is wanted without any group or extra."""
    if table.flag("optional", False):
        return False
    groups = table.strings("groups") or (table.string("category", "main"),)
    return "main" in groups


def _elsewhere(table: Table) -> str:
    """Why it can't be imported, by its source; "" for that of an index or of a file's URL."""
    source = table.table("source")
    kind = source.string("type")
    if kind in ("", "legacy", "url"):
        return ""
    place = public(source.string("url"))
    what = "a repository" if kind == "git" else "a file of a machine"
    return f"comes from {what}: {place}"


def _one_each(pins: list[Pin], requirements: Iterable[str]) -> tuple[list[Pin], list[Left]]:
    """The pins, each version of a name with the marker under which it is the one that is meant.

    Poetry 1 does not say so. Where pyproject.toml asks for each of them under a marker of its own,
    that is it; else none of them can be taken.
    """
    by_name: dict[str, list[Pin]] = {}
    for pin in pins:
        by_name.setdefault(pin.name, []).append(pin)
    sure, left = [], []
    for name, alike in by_name.items():
        if len({pin.version for pin in alike}) == 1 or all(pin.marker for pin in alike):
            sure += alike
        elif told := _told(alike, requirements):
            sure += told
        else:
            versions = ", ".join(pin.version for pin in alike)
            reason = f"pinned to {versions}, and the file does not say which holds when"
            left.append(Left(alike[0].line, name, reason))
    return sure, left


def _told(pins: list[Pin], requirements: Iterable[str]) -> list[Pin]:
    """The pins with the markers of the requirements that mean them; none where that is not sure."""
    from packaging.requirements import Requirement

    asked = [Requirement(line) for line in requirements]
    asked = [each for each in asked if normalise(each.name) == pins[0].name]
    told = []
    for pin in pins:
        meant = [each for each in asked if each.specifier.contains(pin.version, prereleases=True)]
        markers = [str(each.marker or "") for each in meant]
        if not meant or not all(markers):
            return []
        told.append(replace(pin, marker=wanted.either(*markers)))
    return told if len({pin.marker for pin in told}) == len(told) else []

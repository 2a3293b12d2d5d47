"""Imports a file into a project, or makes the folder one: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro import toml_edit
from nixrepro.beginning import new_project
from nixrepro.canonical import write_atomic
from nixrepro.config import parse
from nixrepro.errors import ConfigError, ImportFileError
from nixrepro.imports import Imported, read
from nixrepro.imports.proposal import Proposal, propose
from nixrepro.names import is_inside
from nixrepro.project import FILE, TABLE, root_or_here
from nixrepro.tables import Document
from nixrepro.vendor import initialise, template


@dataclass(frozen=True)
class Taken:
    """What was read, what is proposed, and what was done about it, a line each."""

    imported: Imported
    proposal: Proposal
    done: tuple[str, ...] = ()


def take(folder: Path, path: Path, *, write: bool) -> Taken:
    """Read a file and have the project's pyproject.toml say what it says.

    Args:
        folder: where to look for the project, or what is to become one.
        path: the file.
        write: whether anything is written; else it is only proposed.

    Raises:
        ImportFileError: the file is malformed, or lies outside of the project.
        ConfigError: pyproject.toml can't be used, or something is in the way; nothing was written.
        OSError: the folder can't be written; what was written has been taken back.
    """
    root = root_or_here(folder)
    file = _inside(root, path)
    imported = read(path, file)
    place = root / FILE
    text = _text(place) if place.exists() else ""
    whole_of = Document(text, str(place), ConfigError).parse()
    document, new = whole_of.values, "nixrepro" not in whole_of.table("tool")
    fresh = _flat(_parsed(template(FILE))) if new else {}
    if not place.exists():
        fresh = {**_flat(_parsed(new_project(root))), **fresh}
    proposal = propose(imported, file, document, fresh)
    whole = _whole(text, proposal, place, root)
    if not write or whole == text:
        return Taken(imported, proposal)
    if new:
        what = f"[{TABLE}] added at its end" if text else "new"
        done = initialise(root, (whole, what))
        # What init says of a file that might be imported is done for this one.
        return Taken(
            imported, proposal, tuple(line for line in done if f"import {file}`" not in line)
        )
    write_atomic(place, whole.encode())
    added = ", ".join(".".join(key) for key in proposal.added)
    return Taken(imported, proposal, (f"{FILE}: {added} added",))


def _text(place: Path) -> str:
    """The text of a pyproject.toml, its line ends as they are."""
    try:
        return place.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{place} is not UTF-8 text", hint="save it as UTF-8") from error


def _inside(root: Path, path: Path) -> str:
    try:
        file = path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        file = ""
    if not file or not is_inside(file):
        raise ImportFileError(
            f"{path} lies outside of the project {root}",
            hint="copy it there, or name its project with -C",
        )
    return file


def _whole(text: str, proposal: Proposal, place: Path, root: Path) -> str:
    """The pyproject.toml with all that is proposed, checked."""
    try:
        whole = toml_edit.add(text, proposal.added)
    except toml_edit.Unfit as error:
        raise ConfigError(
            f"{place} is written in a way to which nothing can be added: {error}",
            hint="add these lines by hand",
            details=proposal.text,
        ) from error
    parse(whole, root)
    return whole


def _parsed(text: str) -> dict[str, Any]:
    return Document(text, FILE, ConfigError).parse().values


def _flat(table: Mapping[str, Any], above: toml_edit.Path = ()) -> dict[toml_edit.Path, Any]:
    """Each value of a table and its tables by its full name."""

    def pairs() -> Iterator[tuple[toml_edit.Path, Any]]:
        for name, value in table.items():
            if isinstance(value, dict):
                yield from _flat(value, (*above, name)).items()
            else:
                yield (*above, name), value

    return dict(pairs())

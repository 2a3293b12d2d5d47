"""What the readers of TOML lock files share: their tables, lines, hashes and names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nixrepro import names
from nixrepro.errors import ImportFileError
from nixrepro.imports.model import fail
from nixrepro.tables import Document, Table

# Markers have no words for true and false.
TRUE, FALSE = "python_version >= '0'", "python_version < '0'"
_EXTRA = re.compile(r"""\bextra\s*==\s*(['"])[^'"]*\1|(['"])[^'"]*\2\s*==\s*extra\b""")


def root(text: str, file: str) -> Table:
    """The root table of a TOML file.

    Raises:
        ImportFileError: it is not TOML.
    """
    return Document(text, file, ImportFileError).parse()


def starts(text: str, header: str) -> list[int]:
    """The lines on which the tables of an array begin, such as those of `[[package]]`."""
    shape = re.compile(rf"\s*\[\[\s*{header}\s*\]\]\s*(#.*)?")
    return [at for at, line in enumerate(text.split("\n"), 1) if shape.fullmatch(line.rstrip("\r"))]


def numbered(text: str, header: str, found: list[Table]) -> Iterable[tuple[int, Table]]:
    """Each table of an array with its line; 0 where lines and tables don't match."""
    lines = starts(text, header)
    return zip(lines if len(lines) == len(found) else [0] * len(found), found, strict=True)


def name_of(table: Table) -> str:
    """A distribution's name, normalised.

    Raises:
        ImportFileError: there is none, or it can't be one.
    """
    name = names.normalise(table.string("name", None))
    if not names.WHEEL.fullmatch(name):
        table.fail("name", f"is no distribution's name: {name!r}")
    return name


def version_of(table: Table) -> str:
    """An exact version.

    Raises:
        ImportFileError: there is none, or it can't be one.
    """
    return table.string("version", None, names.WHEEL_VERSION, "an exact version")


def sha256(hashes: Iterable[str]) -> tuple[str, ...]:
    """The SHA-256 digests among hashes such as "sha256:1f2e", sorted; others are no use here."""
    found = set()
    for each in hashes:
        kind, _, digest = each.rpartition(":")
        if kind in ("", "sha256") and names.SHA256.fullmatch(digest.lower()):
            found.add(digest.lower())
    return tuple(sorted(found))


def without_extras(marker: str) -> str:
    """The marker, true whichever extra is asked for: what is pinned for one is pinned."""
    settled = _EXTRA.sub(TRUE, marker)
    return "" if settled == TRUE else settled


def check_marker(marker: str, file: str, line: int) -> str:
    """The marker, if it is one.

    Raises:
        ImportFileError: it is none.
    """
    from packaging.markers import InvalidMarker, Marker

    if marker:
        try:
            Marker(marker)
        except InvalidMarker:
            fail(file, line, f"holds what is no marker: {marker!r}")
    return marker


def check_requirement(text: str, file: str, line: int) -> str:
    """The requirement, if it is one.

    Raises:
        ImportFileError: it is none.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        Requirement(text)
    except InvalidRequirement:
        fail(file, line, f"asks for what is no requirement: {text!r}")
    return text

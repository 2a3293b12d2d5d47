"""What was imported, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nixrepro.imports.model import Imported, Left
from nixrepro.imports.stage import Taken
from nixrepro.names import counted


def lines(taken: Taken) -> Iterator[str]:
    """What was read, in a few lines, and then what is left of it."""
    found = taken.imported
    yield f"{found.file}: {', '.join(_amounts(found))}"
    for title, names in (
        ("wanted", found.requirements),
        ("limited", found.constraints),
        ("from source", found.no_binary),
        ("Debian", found.packages),
        ("includes", found.files),
        ("local code", found.folders),
    ):
        for name in names:
            yield f"  {title:<12}{name}"
    if found.left:
        yield "not imported:"
    for left in found.left:
        yield f"  {_place(found, left)}: {left.text}"
        yield f"      {'wanted, but ' * left.wanted}{left.reason}"


def document(taken: Taken) -> dict[str, Any]:
    """The same, and every pin, as plain values."""
    found = taken.imported
    return {
        "file": found.file,
        "format": found.format,
        "python": found.python,
        "suite": found.suite,
        "requirements": list(found.requirements),
        "pins": [{**vars(pin), "hashes": list(pin.hashes)} for pin in found.pins],
        "constraints": list(found.constraints),
        "no-binary": list(found.no_binary),
        "packages": list(found.packages),
        "variables": dict(found.variables),
        "command": list(found.command),
        "files": list(found.files),
        "folders": list(found.folders),
        "left": [{**vars(left), "file": left.file or found.file} for left in found.left],
        "added": {".".join(key): value for key, value in taken.proposal.added.items()},
        "kept": list(taken.proposal.kept),
        "done": list(taken.done),
    }


def missing(taken: Taken) -> str:
    """What a person must know of what is wanted and could not be imported; "" where all was."""
    number = sum(each.wanted for each in taken.imported.left)
    if not number:
        return ""
    are = "is" if number == 1 else "are"
    return f"{counted(number, 'requirement')} {are} wanted there and {are} not imported: see above"


def _amounts(found: Imported) -> Iterator[str]:
    yield found.format if found.format != found.file else "read"
    yield f"{len(found.requirements)} wanted"
    yield f"{len(found.pins)} pinned"
    if found.pins:
        yield f"{sum(bool(pin.hashes) for pin in found.pins)} with hashes"
    if found.python:
        yield f"Python {found.python}"


def _place(found: Imported, left: Left) -> str:
    file = left.file or found.file
    return f"{file}:{left.line}" if left.line else file

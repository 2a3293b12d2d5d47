"""What a pyproject.toml has to say for an imported file to be what is locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from nixrepro import toml_edit
from nixrepro.imports import bases
from nixrepro.imports.model import LOCKS, Imported, Pin
from nixrepro.names import counted, normalise
from nixrepro.toml_edit import Path

GROUP = "imported"
_TOOL = ("tool", "nixrepro")
_REQUIREMENTS = ("requirements.txt", "environment.yml")


@dataclass(frozen=True)
class Proposal:
    """The keys to add with their values, and those that say something else already, in words."""

    added: Mapping[Path, Any]
    kept: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is added, as TOML."""
        return "".join(f"{line}\n" for line in toml_edit.lines(self.added))


def propose(
    imported: Imported,
    file: str,
    document: Mapping[str, Any],
    fresh: Mapping[Path, Any] | None = None,
) -> Proposal:
    """What to add to a pyproject.toml.

    Args:
        imported: what was read.
        file: its path in the project.
        document: the pyproject.toml, parsed; an empty one for a new project.
        fresh: what a table of nixrepro's begins with, where there is none yet.
    """
    added: dict[Path, Any] = dict(fresh or {})
    kept = list(_unsaid(imported))
    for key, value in _said(imported, file, document).items():
        found = _get(document, key)
        if found is None:
            own = added.get(key, []) if key[-1] == "packages" else []
            added[key] = [*(each for each in own if each not in value), *value] if own else value
        elif lacking := _lacking(found, value):
            kept.append(f"{'.'.join(key)} {lacking}")
    return Proposal(added, tuple(kept))


def suite_for(imported: Imported) -> str:
    """The suite that fits what a file says of its base or its Python; "" where it says nothing."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if imported.suite or not imported.python:
        return imported.suite
    if imported.python[0].isdigit():
        return bases.of_python(imported.python)[0] if bases.minor(imported.python) else ""
    try:
        fits = SpecifierSet(imported.python)
    except InvalidSpecifier:
        return ""
    # A suite's own patch release is not known here; a high one says what its Python can be.
    usual = ("bookworm", "trixie", "bullseye")
    return next((suite for suite in usual if fits.contains(f"{bases.PYTHONS[suite]}.99")), "")


def _said(imported: Imported, file: str, document: Mapping[str, Any]) -> dict[Path, Any]:
    base, wheels = (*_TOOL, "base"), (*_TOOL, "wheels")
    said: dict[Path, Any] = {}
    if requirements := _requirements(imported, document):
        if document:
            said["dependency-groups", GROUP] = requirements
            groups = _get(document, (*wheels, "groups")) or []
            said[*wheels, "groups"] = [GROUP] if GROUP not in groups else groups
        else:
            said["project", "dependencies"] = requirements
    if suite := suite_for(imported):
        said[*base, "suite"] = suite
    if imported.packages:
        said[*base, "packages"] = list(imported.packages)
    dynamic = _get(document, ("project", "dynamic"))
    if isinstance(dynamic, list) and "dependencies" in dynamic:
        said[*wheels, "project"] = False  # a build would have to say what they are
    if source := _source(imported, file):
        said[*wheels, "from"] = source
    elif imported.no_binary:
        said[*wheels, "no-binary"] = list(imported.no_binary)
    if imported.command:
        said[*_TOOL, "train", "command"] = list(imported.command)
    for name, value in imported.variables:
        said[*_TOOL, "settings", "variables", name] = value
    return said


def _source(imported: Imported, file: str) -> str:
    """The file that is read each time from now on, relative to the project."""
    if _read_each_time(imported):
        return file
    if imported.source:
        return (PurePosixPath(file).parent / imported.source).as_posix()
    return ""


def _read_each_time(imported: Imported) -> bool:
    """Whether a file stays what is locked from: a lock, or one that says more than requirements."""
    hashed = any(pin.hashes for pin in imported.pins)
    more = imported.constraints or hashed or _only_pinned(imported)
    return imported.format in LOCKS or imported.format in _REQUIREMENTS[: 2 if more else 1]


def _unsaid(imported: Imported) -> Iterator[str]:
    """What of a Dockerfile a pyproject.toml has no words for."""
    if imported.format in LOCKS or imported.format in _REQUIREMENTS:
        return
    hint = "join its requirements files into one, which can"
    limits = (f"{pin.name}=={pin.version}" for pin in _only_pinned(imported))
    for line in (*imported.constraints, *limits):
        yield f"can't limit {line} without asking for it: {hint}"
    if hashed := sum(bool(pin.hashes) for pin in imported.pins):
        yield f"can't hold the hashes of {counted(hashed, 'requirement')}: {hint}"


def _only_pinned(imported: Imported) -> list[Pin]:
    """The pins that no requirement says too: a constraints file has them."""
    from packaging.requirements import InvalidRequirement, Requirement

    said: set[tuple[str, str]] = set()
    for line in imported.requirements:
        try:
            asked = Requirement(line)
        except InvalidRequirement:
            continue
        versions = (each.version for each in asked.specifier if each.operator == "==")
        said |= {(normalise(asked.name), each) for each in (*versions, asked.url or "")}
    return [pin for pin in imported.pins if (pin.name, pin.url or pin.version) not in said]


def _requirements(imported: Imported, document: Mapping[str, Any]) -> list[str]:
    """What is not in a file that is read each time, and not asked for already."""
    if _read_each_time(imported):
        return []
    own = _get(document, ("project", "dependencies"))
    known = {_plain(line) for line in own} if isinstance(own, list) else set()
    return [line for line in imported.requirements if _plain(line) not in known]


def _plain(line: Any) -> str:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(str(line))
    except InvalidRequirement:
        return str(line)
    requirement.name = normalise(requirement.name)
    return str(requirement)


def _get(document: Any, key: Path) -> Any:
    for part in key:
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def _lacking(found: Any, value: Any) -> str:
    """What a key says instead, in words; "" where it says as much."""
    if isinstance(found, list) and isinstance(value, list):
        more = [each for each in value if each not in found]
        return f"stays as it is, without {', '.join(map(str, more))}" if more else ""
    shown = toml_edit.pair("", value).removeprefix('"" = ')
    return "" if found == value else f"stays as it is, and not {shown}"

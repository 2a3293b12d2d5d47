"""Reads, with a project's own configuration, the file that it has of another tool."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nixrepro.config.asked import compiler
from nixrepro.config.model import Config, Wheels
from nixrepro.errors import ConfigError, ImportFileError
from nixrepro.imports.model import LOCKS, Left
from nixrepro.names import normalise
from nixrepro.project import FILE, read
from nixrepro.tables import Document

REQUIREMENTS = "requirements.txt"
_HEAD = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_WANTED = (REQUIREMENTS, "environment.yml")


def candidates() -> tuple[str, ...]:
    """The files that are looked for at a project's root, the first that is there counting."""
    return (*LOCKS, REQUIREMENTS)


def find(config: Config) -> str:
    """The file to read with a configuration, "" where there is none."""
    if not config.wheels.search:
        return config.wheels.source
    # What is declared, a lock pins; where nothing is, the file says what is wanted.
    for name in LOCKS if config.wheels.requirements else (REQUIREMENTS, *LOCKS):
        if (config.root / name).is_file() and not _exported(config.root / name):
            return name
    return ""


def complete(config: Config) -> Config:
    """The configuration with what that file says.

    Raises:
        ConfigError: it is not there, or of a format that says nothing of versions.
        ImportFileError: it is malformed.
    """
    name = find(config)
    if not name:
        return config
    from nixrepro import imports

    if not (config.root / name).is_file():
        _fail(config, f"names a file that is not there: {name!r}", "put it there, or correct it")
    if not imports.form(name) or imports.form(name) == "Dockerfile":
        known = ", ".join((*candidates(), "environment.yml"))
        _fail(config, f"names no file whose versions can be taken: {name!r}", f"known: {known}")
    found = imports.read(config.root / name, name)
    named = config.wheels.requirements
    declared = tuple(_elsewhere(named, found.local))
    # What the project's own packages need is said by the file alone.
    whole = found.format in _WANTED or not declared or declared != named
    wanted = found.requirements if whole else ()
    wheels = replace(
        config.wheels,
        source=name,
        requirements=tuple(dict.fromkeys((*declared, *wanted))),
        no_binary=tuple(dict.fromkeys((*config.wheels.no_binary, *found.no_binary))),
        pins=found.pins,
        constraints=found.constraints,
        files=found.files,
        folders=found.folders,
        left=found.left,
    )
    return replace(config, wheels=wheels)


def _exported(path: Path) -> bool:
    """Whether a file was made from the lock, which then can't be made from it."""
    with path.open("rb") as stream:
        return b'\ncreated-by = "nixrepro"\n' in stream.read(_HEAD)


def _elsewhere(requirements: tuple[str, ...], local: tuple[str, ...]) -> Iterator[str]:
    """The requirements but for packages of the project's own: an index may have others."""
    for line in requirements:
        name = _NAME.match(line)
        if not (name and normalise(name[0]) in local):
            yield line


def _fail(config: Config, problem: str, hint: str) -> None:
    table = Document(read(config.root / FILE), FILE, ConfigError).parse()
    table.table("tool").table("nixrepro").table("wheels").fail("from", problem, hint)


def check(config: Config) -> None:
    """See that all that the file wants can be locked.

    Raises:
        ImportFileError: some of it can't; the message names the first, with file and line.
    """
    wheels = config.wheels
    wrong = [_said(each, wheels) for each in wheels.left if each.wanted]
    if wrong:
        hint = f'change it there, or set from = "" under [tool.nixrepro.wheels] in {FILE}'
        raise ImportFileError(wrong[0], hint=hint, details="\n".join(wrong[1:]))


def notes(config: Config) -> Iterator[str]:
    """What a person is told of the file: what it says to no effect, and what is theirs to do."""
    wheels = config.wheels
    for name in compiler(config):
        yield f"{name} is added: the portable profile's virtual CPU is built with it"
    for each in wheels.left:
        if not each.wanted:
            yield _said(each, wheels)
    stated = dict(config.settings.variables).get("PYTHONPATH", "").split(":")
    lacking = [name for name in wheels.folders if name not in (*stated, ".")]
    if lacking:
        value = ":".join(filter(None, (*stated, *lacking)))
        yield (
            f"{wheels.source}: local packages are imported from where they are: set "
            f'PYTHONPATH = "{value}" under [tool.nixrepro.settings.variables]'
        )


def _said(left: Left, wheels: Wheels) -> str:
    place = left.file or wheels.source
    return (
        f"{place}:{left.line}: {left.text}: {left.reason}"
        if left.line
        else f"{place}: {left.text}: {left.reason}"
    )

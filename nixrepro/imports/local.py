"""A package in a folder of the project: what it needs, and where its code is imported from."""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro.imports import model
from nixrepro.names import is_inside, normalise
from nixrepro.urls import local_path

_PROJECT, _SETUP = "pyproject.toml", "setup.cfg"
_OWN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*\[([^\]]*)\]")


@dataclass(frozen=True)
class Local:
    """A local package: its name, PEP 508 lines, the folder to import from, and what says so."""

    name: str
    requirements: tuple[str, ...]
    code: str
    files: tuple[str, ...]


def read(root: Path, beside: Path, url: str, extras: list[str]) -> Local | str:
    """What a folder's own files say; else why it can't be taken.

    Args:
        root: the project's folder.
        beside: the folder of the file that names it; pip looks from where it is started.
        url: the path, relative or as file:// URL.
        extras: which of its extras are wanted.

    Raises:
        ImportFileError: its own files are malformed.
    """
    plain = url.split("#", maxsplit=1)[0].removeprefix("file:")
    path = local_path(url) if "://" in url else Path(plain)
    folder = root / path if (root / path).exists() else beside / path
    if folder.is_file():
        return (
            "a file of this machine is on no index: give its URL, or have pip's find-links name "
            "its folder and ask for it by name and version"
        )
    if not folder.is_dir():
        return "there is no such file or folder"
    name = Path(os.path.relpath(folder.resolve(), root.resolve())).as_posix()
    if name != "." and not is_inside(name):
        return "it lies outside of the project, whose code alone is recorded: move it in"
    own = [f"{name}/{each}".removeprefix("./") for each in (_PROJECT, _SETUP)]
    said = _project(root / own[0], own[0], extras) or _setup(root / own[1], own[1], extras)
    if said is None:
        return (
            "what it needs is said by no file that can be read without running it: list it under "
            "[project] dependencies in its pyproject.toml"
        )
    code = f"{name}/src".removeprefix("./") if (folder / "src").is_dir() else name
    files = tuple(each for each in own if (root / each).is_file())
    return Local(normalise(said[0]), tuple(said[1]), code, files)


def _project(path: Path, file: str, extras: list[str]) -> tuple[str, list[str]] | None:
    """Name and [project].dependencies, with those of extras; None where it has no such table."""
    import tomli

    if not path.is_file():
        return None
    try:
        table: Any = tomli.loads(model.text_of(path, file)).get("project")
    except tomli.TOMLDecodeError as error:
        model.fail(file, error.lineno, f"not valid TOML: {error.msg}")
    if not isinstance(table, dict) or "dependencies" in table.get("dynamic", []):
        return None
    optional = table.get("optional-dependencies", {})
    if not isinstance(optional, dict):
        model.fail(file, 0, "project.optional-dependencies must be a table")
    found = {"": table.get("dependencies", [])} | {normalise(k): v for k, v in optional.items()}
    for extra, lines in found.items():
        if not isinstance(lines, list) or not all(isinstance(each, str) for each in lines):
            model.fail(file, 0, f"{extra or 'project.dependencies'} must be a list of requirements")
    return _together(str(table.get("name", "")), found, extras)


def _setup(path: Path, file: str, extras: list[str]) -> tuple[str, list[str]] | None:
    """Name and install_requires of a setup.cfg; None where it has none."""
    if not path.is_file():
        return None
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(model.text_of(path, file), file)
    except configparser.Error as error:
        line = getattr(error, "lineno", 0) or 0
        model.fail(file, line, f"not valid: {error.message.splitlines()[0]}")
    if not parser.has_option("options", "install_requires"):
        return None
    found = {"": _lines(parser.get("options", "install_requires"))}
    if parser.has_section("options.extras_require"):
        asked = parser.items("options.extras_require")
        found |= {normalise(extra): _lines(lines) for extra, lines in asked}
    return _together(parser.get("metadata", "name", fallback=""), found, extras)


def _lines(text: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def _together(name: str, said: dict[str, list[str]], extras: list[str]) -> tuple[str, list[str]]:
    """The requirements with those of the extras, and of the package's own extras in them."""
    found: list[str] = []
    open_, seen = ["", *map(normalise, extras)], set[str]()
    while open_:
        extra = open_.pop(0)
        if extra in seen:
            continue
        seen.add(extra)
        for line in said.get(extra, []):
            inner = _OWN.fullmatch(line.strip())
            if inner and normalise(inner[1]) == normalise(name):
                open_ += [normalise(each.strip()) for each in inner[2].split(",")]
            else:
                found.append(line)
    return name, found

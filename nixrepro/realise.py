"""Realises the environment that a lock describes, and remembers it for the next start."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import BuildError
from nixrepro.nix import Nix

STATE = ".nixrepro"
_FORMAT = 1
_NAMED = re.compile(r"(?<![\w.])\./([\w./-]*\w)")
_FIXED = ("flake.nix", "flake.lock", "nixrepro.lock", "pyproject.toml", "nix")


@dataclass(frozen=True)
class Environment:
    """One realised closure.

    Args:
        path: the environment's store path.
        system: the store path of its system layer.
        facts: store path of the JSON file with its layers and closure.
        settings: store path of the JSON file with the settings of a run.
        variables: what `nix develop` sets.
    """

    path: str
    system: str
    facts: str
    settings: str
    variables: dict[str, str]


def realise(root: Path, nix: Nix, prepare: Callable[[], None]) -> Environment:
    """The environment of a project: from the last time if nothing that it is made of changed.

    Args:
        root: the project's folder.
        nix: the Nix to build with.
        prepare: called before a build: sees that the lock fits and its artefacts are there.

    Raises:
        BuildError: it can't be built.
        NixError: there is no usable Nix.
        OSError: the project's folder can't be written.
    """
    known = _remembered(root)
    if known:
        return known
    from nixrepro.locking import exclusive

    state = root / STATE
    state.mkdir(exist_ok=True)
    with exclusive(state / "realise.lock", lambda: None):
        known = _remembered(root)
        if known:
            return known
        nix.version()
        prepare()
        stamp = _stamp(root)
        roots = state / "roots"
        roots.mkdir(exist_ok=True)
        variables = nix.shell_variables(root, roots / "shell")
        environment = _environment(variables)
        nix.add_root(roots / Path(environment.facts).name.split("-")[0], environment.facts)
        remembered = {"format": _FORMAT, "stamp": stamp, "variables": variables}
        write_atomic(state / "environment.json", json_bytes(remembered))
    return environment


def root_name(path: str) -> str:
    """The name of the link that keeps a store path: its hash."""
    return Path(path).name.split("-", 1)[0]


def current(root: Path) -> str:
    """Store path of the environment that a project's files give, or "" where that isn't known."""
    known = _remembered(root)
    return known.path if known else ""


def _environment(variables: dict[str, str]) -> Environment:
    try:
        facts = variables["NIXREPRO_ENVIRONMENT"]
        path, system = (folder.removesuffix("/bin") for folder in variables["PATH"].split(":")[:2])
        return Environment(path, system, facts, variables["NIXREPRO_SETTINGS"], variables)
    except (KeyError, ValueError):
        raise BuildError(
            "the flake's development shell is not one of nixrepro",
            hint="`nixrepro init --update` writes flake.nix and nix/ anew",
        ) from None


def _remembered(root: Path) -> Environment | None:
    try:
        found = json.loads((root / STATE / "environment.json").read_bytes())
        if found["format"] != _FORMAT or found["stamp"] != _stamp(root):
            return None
        environment = _environment(found["variables"])
    except (OSError, ValueError, KeyError, TypeError, BuildError):
        return None
    kept = (environment.path, environment.facts, environment.settings)
    return environment if all(map(os.path.exists, kept)) else None


def _stamp(root: Path) -> list[list[str | int]]:
    """Name, size and time of every file that the flake reads: alike means nothing to evaluate."""
    names = list(_FIXED)
    with suppress(OSError, UnicodeDecodeError):
        # What flake.nix names by path is read too.
        names += _NAMED.findall((root / "flake.nix").read_text(encoding="utf-8"))
    stamp: list[list[str | int]] = []
    for name in sorted(set(names)):
        for path in sorted(_files(root / name)):
            about = path.stat()
            stamp.append([str(path.relative_to(root)), about.st_size, about.st_mtime_ns])
    return stamp


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(folder, name) for name in files)

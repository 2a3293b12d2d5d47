"""Realises the environment that a lock describes, and remembers it for the next start."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.canonical import json_bytes, remove_parts, write_atomic
from nixrepro.errors import BuildError, ConfigError, LockError

if TYPE_CHECKING:
    from nixrepro.nix import Nix

STATE = ".nixrepro"
_MEMORY = "environment.json"
_FORMAT = 3
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


def realise(
    root: Path, nix: Nix, prepare: Callable[[], None], waiting: Callable[[], None]
) -> Environment:
    """The environment of a project: from the last time if nothing that it is made of changed.

    Args:
        root: the project's folder.
        nix: the Nix to build with.
        prepare: called before a build: sees that the lock fits and its artefacts are there.
        waiting: called once when another process realises it just now.

    Raises:
        BuildError: it can't be built.
        NixError: there is no usable Nix.
        OSError: the project's folder can't be written.
    """
    from nixrepro.locking import exclusive

    state = root / STATE
    with exclusive(state / "realise.lock", waiting):
        known = remembered(root)
        if known:
            return known
        nix.version()
        prepare()
        stamp = _stamp(root)
        roots = state / "roots"
        roots.mkdir(exist_ok=True)
        if keep_again(root, nix):
            for link in roots.glob("shell*"):  # Nix registers none that is there already
                link.unlink()
        variables = nix.shell_variables(root, roots / "shell")
        environment = _environment(variables)
        _drop_older(roots / "shell")
        nix.add_root(roots / root_name(environment.path), environment.path)
        memory = {
            "format": _FORMAT,
            "root": _place(root),
            "stamp": stamp,
            "variables": variables,
        }
        remove_parts(state / _MEMORY)
        write_atomic(state / _MEMORY, json_bytes(memory))
    return environment


def keep_again(root: Path, nix: Nix) -> bool:
    """Make every root of a moved or copied project anew: Nix knows them by their old place only.

    Returns:
        Whether it isn't known to be where it was; a folder that can't be written is left alone.

    Raises:
        NixError: a root can't be made.
    """
    roots = root / STATE / "roots"
    if _memory(root).get("root") == _place(root) or not os.access(roots, os.W_OK):
        return False
    for link in roots.glob("*"):
        if not link.is_symlink() or link.name.startswith("shell"):
            continue
        path = os.readlink(link)
        if os.path.exists(path):  # else it is collected, and nothing brings it back
            nix.add_root(link, path)
    return True


def root_name(path: str) -> str:
    """The name of the link that keeps a store path: its hash."""
    return Path(path).name.split("-", 1)[0]


def current(root: Path) -> str:
    """Store path of the environment that a project's files give, or "" where that isn't known."""
    known = remembered(root)
    return known.path if known else ""


def read_by_flake(root: Path) -> list[str]:
    """The files and folders of a project that its flake reads, relative to it."""
    return sorted({*_FIXED, *_named(root)})


def check(root: Path) -> None:
    """See that the flake is whole, since Nix would speak of files in its store, or ask a network.

    Raises:
        ConfigError, LockError: a file of it is missing.
    """
    for name in ("flake.nix", *_named(root)):
        if not (root / name).exists():
            hint = "`nixrepro init --update` writes flake.nix and nix/ anew"
            raise ConfigError(f"there is no {root / name}", hint=hint)
    if not (root / "flake.lock").exists():
        raise LockError(f"there is no {root / 'flake.lock'}", hint="run `nixrepro lock`")


def _named(root: Path) -> list[str]:
    """What flake.nix names by path."""
    with suppress(OSError, UnicodeDecodeError):
        return _NAMED.findall((root / "flake.nix").read_text(encoding="utf-8"))
    return []


def _drop_older(profile: Path) -> None:
    """Let go of what a profile linked to before: else each old shell stays in the store forever."""
    now = os.readlink(profile)
    for link in profile.parent.glob(f"{profile.name}-*-link"):
        if link.name != now:
            link.unlink()


def _environment(variables: dict[str, str]) -> Environment:
    try:
        return Environment(
            path=variables["NIXREPRO_ROOT"],
            system=variables["NIXREPRO_SYSTEM"],
            facts=variables["NIXREPRO_ENVIRONMENT"],
            settings=variables["NIXREPRO_SETTINGS"],
            variables=variables,
        )
    except KeyError:
        raise BuildError(
            "the flake's development shell is not one of nixrepro",
            hint="`nixrepro init --update` writes flake.nix and nix/ anew",
        ) from None


def remembered(root: Path) -> Environment | None:
    """The environment of the last time, if it is still there and the flake's files are alike."""
    found = _memory(root)
    try:
        if found["format"] != _FORMAT or found["root"] != _place(root):
            return None
        if found["stamp"] != _stamp(root):
            return None
        environment = _environment(found["variables"])
    except (OSError, KeyError, TypeError, BuildError):
        return None
    kept = (environment.path, environment.facts, environment.settings)
    return environment if all(map(os.path.exists, kept)) else None


def _memory(root: Path) -> dict[str, Any]:
    """What was written down the last time; nothing where that can't be read."""
    with suppress(OSError, ValueError):
        found = json.loads((root / STATE / _MEMORY).read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _place(root: Path) -> str:
    """Where a project is: Nix's garbage collector looks for a project's links only there."""
    return str(root.resolve())


def _stamp(root: Path) -> list[list[str | int]]:
    """Name, size and time of every file that the flake reads: alike means nothing to evaluate."""
    stamp: list[list[str | int]] = []
    for name in read_by_flake(root):
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

"""What a project's environment was the last time, and whether it still is.

Every start reads this, so it imports nothing that Python has not loaded by itself already.
"""

from __future__ import annotations

import os
import stat

from nixrepro.runtime import STATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FILE = os.path.join(STATE, "environment")
_FORMAT = "nixrepro environment 4"
_END = "end"
# Each of these a flake of nixrepro reads, whatever else it names.
_FIXED = ("flake.nix", "flake.lock", "nixrepro.lock", "pyproject.toml", "nix")


class Environment:
    """One realised closure; a plain class, because importing dataclasses takes 20 ms.

    Attributes:
        path: the environment's store path.
        system: the store path of its system layer.
        facts: store path of the JSON file with its layers and closure.
        settings: store path of the JSON file with the settings of a run.
        variables: what `nix develop` sets.
    """

    def __init__(
        self, path: str, system: str, facts: str, settings: str, variables: dict[str, str]
    ) -> None:
        self.path = path
        self.system = system
        self.facts = facts
        self.settings = settings
        self.variables = variables

    def with_settings(self, settings: str) -> Environment:
        """The same with another settings file."""
        return Environment(self.path, self.system, self.facts, settings, self.variables)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Environment) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.path, self.facts, self.settings))

    def __repr__(self) -> str:
        return f"Environment({self.path!r})"


def told(variables: dict[str, str]) -> Environment:
    """The environment that a development shell's variables tell of.

    Raises:
        KeyError: it is the shell of another flake.
    """
    return Environment(
        path=variables["NIXREPRO_ROOT"],
        system=variables["NIXREPRO_SYSTEM"],
        facts=variables["NIXREPRO_ENVIRONMENT"],
        settings=variables["NIXREPRO_SETTINGS"],
        variables=variables,
    )


def recall(folder: str) -> tuple[str, Environment] | None:
    """The project that a folder is in and its environment, when both are as they were.

    Args:
        folder: an absolute path.

    Returns:
        None where only reading the project's files can tell.
    """
    place = folder
    while True:
        # A pyproject.toml that is as it was makes a project, as it did then.
        if known := remembered(place):
            return place, known
        above = os.path.dirname(place)
        if above == place or os.path.exists(os.path.join(place, "pyproject.toml")):
            return None
        place = above


def remembered(root: str) -> Environment | None:
    """The environment of the last time, if it is still there and the flake's files are alike.

    Args:
        root: the project's folder.
    """
    try:
        place, names, stamp, variables = _read(root)
        if place != os.path.realpath(root) or stamp != stamped(root, names):
            return None
        environment = told(variables)
    except (OSError, ValueError, KeyError):
        return None
    kept = (environment.path, environment.facts, environment.settings)
    return environment if all(map(os.path.exists, kept)) else None


def place_of(root: str) -> str:
    """Where a project was when its environment was remembered; "" where nothing is."""
    try:
        return _read(root)[0]
    except (OSError, ValueError):
        return ""


def written(
    root: str, names: Sequence[str], stamp: Sequence[str], variables: Mapping[str, str]
) -> bytes:
    """The bytes of `FILE`: fields that end with NUL, which no path and no variable can hold.

    Args:
        root: the project's folder.
        names: what its flake reads; see `read_by`.
        stamp: what `stamped` gave of them before they were read.
        variables: the development shell's.
    """
    said = [f"{name}={value}" for name, value in sorted(variables.items())]
    fields = [_FORMAT, os.path.realpath(root), str(len(names)), *names, str(len(stamp)), *stamp]
    return b"".join(os.fsencode(field) + b"\0" for field in [*fields, *said, _END])


def read_by(named: Iterable[str]) -> list[str]:
    """The files and folders that a flake reads which names some by path, in one order."""
    return sorted({*_FIXED, *named})


def stamped(root: str, names: Iterable[str]) -> list[str]:
    """Size, time and name of every file at or below some paths: alike means nothing to evaluate.

    Raises:
        OSError: one can't be looked at.
    """
    found: list[str] = []
    for name in names:
        try:
            about = os.stat(os.path.join(root, name))
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(about.st_mode):
            _below(root, name, found)
        else:
            found.append(f"{about.st_size} {about.st_mtime_ns} {name}")
    return sorted(found)


def _below(root: str, folder: str, found: list[str]) -> None:
    with os.scandir(os.path.join(root, folder)) as entries:
        for entry in entries:
            name = f"{folder}/{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                about = entry.stat()
                found.append(f"{about.st_size} {about.st_mtime_ns} {name}")
            elif entry.name != "__pycache__":
                _below(root, name, found)


def _read(root: str) -> tuple[str, list[str], list[str], dict[str, str]]:
    """The place, names, stamp and variables of a memory.

    Raises:
        OSError: it can't be read.
        ValueError: it is broken, or another version's.
    """
    with open(os.path.join(root, FILE), "rb") as stream:
        form, *fields = os.fsdecode(stream.read()).split("\0")
    if form != _FORMAT or fields[-2:] != [_END, ""]:
        raise ValueError("another version's")
    many = int(fields[1])
    names, rest = fields[2 : 2 + many], fields[2 + many : -2]
    size = int(rest[0])
    said = (field.partition("=") for field in rest[1 + size :])
    return fields[0], names, rest[1 : 1 + size], {name: value for name, _, value in said}

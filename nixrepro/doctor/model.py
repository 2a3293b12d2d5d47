"""What is looked at on a machine, as plain values, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

NIX, TOOLS, SOURCES, MACHINE, DISK, PROJECT, TERMINAL = (
    "Nix",
    "tools",
    "sources",
    "machine",
    "disk",
    "project",
    "terminal",
)


class State(StrEnum):
    """Whether something is as it should be."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True)
class Line:
    """One thing that was looked at.

    Args:
        group: what it belongs to, such as Nix or project.
        subject: its name, which is unique in its group.
        state: `missing` where something is needed that isn't there or can't be used.
        said: what was found, in a few words.
        fix: the command that mends it, or where there is none what to do; "" where all is well.
    """

    group: str
    subject: str
    state: State
    said: str
    fix: str = ""


@dataclass(frozen=True)
class User:
    """Who asks.

    Args:
        name: of the login.
        root: whether it is the machine's administrator.
        groups: names of its groups.
        home: its folder.
    """

    name: str
    root: bool
    groups: tuple[str, ...] = ()
    home: str = ""

    def as_root(self, command: str) -> str:
        """A command as this user has to type it for root to run it."""
        return command if self.root else f"sudo {command}"


@dataclass(frozen=True)
class System:
    """The machine's distribution, kernel and processor.

    Args:
        name: of the distribution, for people.
        debian: whether it has apt.
        architecture: as `uname -m` says it.
        kernel: its name and release.
        namespaces: "" where a user may make a user namespace, else why not.
        tracing: "" where a process may be traced, else why not.
        settings: kernel settings by name, those that are there.
    """

    name: str
    debian: bool
    architecture: str
    kernel: str
    namespaces: str = ""
    tracing: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NixFacts:
    """The Nix of this machine.

    Args:
        version: its version; empty where there is none that can be used.
        problem: why not, and what to do.
        store: how it says to reach its store: `local`, `daemon`, a URL; "" where it doesn't answer.
        store_problem: what it said instead.
        settings: its settings by name.
        group: members of the group of build users; None where there is no such group.
        systemd: whether systemd runs, which starts Nix's daemon.
    """

    version: tuple[int, ...] = ()
    problem: str = ""
    store: str = ""
    store_problem: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    group: tuple[str, ...] | None = None
    systemd: bool = False


@dataclass(frozen=True)
class Place:
    """A folder that is written to, or the nearest one above it that is there.

    Args:
        name: what it is for.
        path: of the folder.
        free: bytes that can be used.
        writable: whether this user may write there; None where Nix writes.
    """

    name: str
    path: str
    free: int
    writable: bool | None = None


@dataclass(frozen=True)
class Server:
    """A place that artefacts come from.

    Args:
        name: what it is.
        url: without credentials; "" where none is configured.
        problem: why it can't be told or reached.
        fix: what to do then.
        seconds: that it took to answer; None where it was not asked.
    """

    name: str
    url: str = ""
    problem: str = ""
    fix: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class ProjectFacts:
    """The project that a folder is in.

    Args:
        root: its folder; "" outside of any.
        problem: what is wrong with pyproject.toml, and `fix` what to do.
        lock: what is wrong with the lock; "" for nothing.
        artefacts: how many it names.
        library: files of the Nix library and the flake that are not this version's.
        own: whether the project is the one that the library comes from.
        absent: whether there is no library at all.
        runs: how many are recorded.
        broken: folders of runs whose record can't be read.
        code: what git could not bring back of the project's code.
        realised: whether the environment is known to be in the store.
    """

    root: str = ""
    problem: str = ""
    fix: str = ""
    lock: str = ""
    artefacts: int = 0
    library: tuple[str, ...] = ()
    own: bool = False
    absent: bool = False
    runs: int = 0
    broken: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    realised: bool = False


@dataclass(frozen=True)
class Facts:
    """All that is looked at.

    Args:
        tools: version of each program by its name; "" where it is missing.
        keys: how many archive keys the keyring has, or why it can't be read.
        gpu: as a record's hardware layer says it.
        terminal: encoding, columns and whether it is one, by name.
    """

    user: User
    system: System
    nix: NixFacts
    tools: Mapping[str, str]
    servers: tuple[Server, ...]
    keys: int | str
    gpu: Mapping[str, Any]
    places: tuple[Place, ...]
    project: ProjectFacts
    terminal: Mapping[str, Any]

"""What a project asks for, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nixrepro.imports.model import Left, Pin


@dataclass(frozen=True)
class Base:
    """The distribution under everything; the URLs are the user's own and never locked."""

    source: str = "debian"
    suite: str = "bookworm"
    packages: tuple[str, ...] = ()
    mirror: str = ""
    security_mirror: str = ""
    snapshot: str = ""


@dataclass(frozen=True)
class Wheels:
    """The Python distributions wanted.

    `requirements` are PEP 508 lines gathered from the file, and from the one of another tool that
    is read with it: `source`, relative to the project, "" for none. Where `search` is set, it is
    looked for. What else that file says: `pins`, `constraints`, the `files` that it includes, the
    `folders` whose code it wants imported, and what is `left` of it. `as_of` is an ISO date, or "".
    """

    project: bool = True
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    no_binary: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    source: str = ""
    search: bool = True
    as_of: str = ""
    pins: tuple[Pin, ...] = ()
    constraints: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(frozen=True)
class Train:
    """What `nixrepro train` runs."""

    command: tuple[str, ...] = ("python", "train.py")


@dataclass(frozen=True)
class Settings:
    """What every run is given; `pass_` (key `pass`) names host variables that may pass."""

    seed: int = 42
    deterministic: bool = True
    pass_: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Numerics:
    """The numerics profile: `native`, or `portable` on a virtual CPU with fixed threads.

    `cpu` is the name of a table that comes along, or the path of one in the project, which has a
    "/" or ends with ".cpu". `threads` is 0 where the machine decides, which `portable` never lets
    it.
    """

    profile: str = "native"
    cpu: str = "x86-64-v3"
    threads: int = 0

    @property
    def table(self) -> str:
        """Path of the table in the project; an empty text where it is one that comes along."""
        return self.cpu if is_table(self.cpu) else ""


def is_table(cpu: str) -> bool:
    """Whether a CPU is named by the path of its table."""
    return "/" in cpu or cpu.endswith(".cpu")


@dataclass(frozen=True)
class Data:
    """One pinned data file or folder.

    `url` is what programs ask for, `path` where it lies in the project. What has a URL, or says
    `store`, is kept in the store; all else stays where it lies, and is data by reference. `sha256`
    is that of a file, `digest` the `merkle:` one of a folder, `dvc` the `.dvc` file that pins it.
    `size` is in bytes, None where the file does not say. An `optional` one is fetched only when it
    is named, and its absence stops no run that does not use it.
    """

    name: str
    sha256: str
    url: str = ""
    path: str = ""
    size: int | None = None
    optional: bool = False
    digest: str = ""
    store: bool = False
    dvc: str = ""

    @property
    def reference(self) -> bool:
        """Whether it stays where it lies."""
        return not self.url and not self.store

    @property
    def pin(self) -> str:
        """Its digest, of either kind; "" where DVC pins it."""
        return f"sha256:{self.sha256}" if self.sha256 else self.digest


@dataclass(frozen=True)
class Config:
    """All that a project asks for; `root` is the folder of its pyproject.toml."""

    root: Path
    name: str
    requires_python: str
    base: Base
    wheels: Wheels
    overrides: tuple[tuple[str, str], ...]
    train: Train
    settings: Settings
    data: tuple[Data, ...]
    record_urls: bool = True
    numerics: Numerics = Numerics()

    @property
    def asks(self) -> str:
        """The files that say what is asked for, in words."""
        return " with ".join(filter(None, ("pyproject.toml", self.wheels.source)))

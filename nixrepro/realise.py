"""Realises the environment that a lock describes, and remembers it for the next start."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import memory
from nixrepro.canonical import remove_parts, write_atomic
from nixrepro.errors import BuildError, ConfigError, LockError, NixreproError
from nixrepro.memory import Environment
from nixrepro.runtime import STATE

if TYPE_CHECKING:
    from nixrepro.nix import Nix

__all__ = ["Environment", "check", "current", "flake", "keep_again", "read_by_flake", "realise"]
__all__ += ["remembered", "root_name", "watched"]

_NAMED = re.compile(r"(?<![\w.])\./([\w./-]*\w)")


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
        names = watched(root)
        stamp = memory.stamped(str(root), names)
        roots = state / "roots"
        roots.mkdir(exist_ok=True)
        if keep_again(root, nix):
            for link in roots.glob("shell*"):  # Nix registers none that is there already
                link.unlink()
        with flake(root, nix) as folder:
            variables = nix.shell_variables(folder, roots / "shell")
        environment = _environment(variables)
        _drop_older(roots / "shell")
        nix.add_root(roots / root_name(environment.path), environment.path)
        remove_parts(root / memory.FILE)
        write_atomic(root / memory.FILE, memory.written(str(root), names, stamp, variables))
    return environment


def keep_again(root: Path, nix: Nix) -> bool:
    """Make every root of a moved or copied project anew: Nix knows them by their old place only.

    Returns:
        Whether it isn't known to be where it was; a folder that can't be written is left alone.

    Raises:
        NixError: a root can't be made.
    """
    roots = root / STATE / "roots"
    # Nix's garbage collector looks for a project's links only where the project was.
    if memory.place_of(str(root)) == os.path.realpath(root) or not os.access(roots, os.W_OK):
        return False
    for link in (*roots.glob("*"), *(root / STATE / "bisect").glob("*/*")):
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


@contextmanager
def flake(root: Path, nix: Nix) -> Iterator[Path]:
    """The folder that Nix is to read a project's flake from; outside git it has nothing else in it.

    Raises:
        OSError: the project's folder can't be written.
    """
    if nix.by_git(root):
        yield root
        return
    from nixrepro.locking import exclusive
    from nixrepro.staging import staged

    held = exclusive(root / STATE / "flake.lock", lambda: None)
    with held, staged(root, read_by_flake(root)) as folder:
        yield folder


def read_by_flake(root: Path) -> list[str]:
    """The files and folders of a project that its flake reads, relative to it."""
    return memory.read_by([*_named(root), *_cpu(root)])


def watched(root: Path) -> list[str]:
    """What an environment hangs on: what the flake reads, and what the lock answers beside it."""
    from nixrepro import config as configs

    # Those that are not there too: one that comes is a change.
    beside = list(configs.candidates())
    with suppress(NixreproError):  # what is wrong with it was said before
        wheels = configs.load(root).wheels
        beside += filter(None, (wheels.source, *wheels.files))
    return sorted({*read_by_flake(root), *beside})


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


def _cpu(root: Path) -> list[str]:
    """The CPU's table that pyproject.toml names by path; what is wrong with it, `config` says."""
    import tomli

    from nixrepro.config.model import is_table
    from nixrepro.names import is_inside

    wrong = (OSError, UnicodeDecodeError, tomli.TOMLDecodeError, RecursionError)
    with suppress(*wrong, KeyError, TypeError):
        project = tomli.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        cpu = project["tool"]["nixrepro"]["numerics"]["cpu"]
        if isinstance(cpu, str) and is_table(cpu) and is_inside(cpu):
            return [cpu]
    return []


def _drop_older(profile: Path) -> None:
    """Let go of what a profile linked to before: else each old shell stays in the store forever."""
    now = os.readlink(profile)
    for link in profile.parent.glob(f"{profile.name}-*-link"):
        if link.name != now:
            link.unlink()


def _environment(variables: dict[str, str]) -> Environment:
    try:
        return memory.told(variables)
    except KeyError:
        raise BuildError(
            "the flake's development shell is not one of nixrepro",
            hint="`nixrepro init --update` writes flake.nix and nix/ anew",
        ) from None


def remembered(root: Path) -> Environment | None:
    """The environment of the last time, if it is still there and the flake's files are alike."""
    return memory.remembered(str(root))

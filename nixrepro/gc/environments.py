"""The environments and data that a project keeps, and letting go of environments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.canonical import write_atomic
from nixrepro.errors import NixreproError, RunError
from nixrepro.gc.trials import KeptTrials, chosen_trials, drop_trials, is_trials
from nixrepro.memory import FILE
from nixrepro.realise import current, keep_again, root_name
from nixrepro.record import load, runs
from nixrepro.runtime import STATE

if TYPE_CHECKING:
    from nixrepro.lock import Artefact
    from nixrepro.nix import Nix

_DATA = "data-"
_DROPPED = "dropped"


@dataclass(frozen=True)
class Kept:
    """One environment that a project keeps.

    Args:
        name: the link's name below `.nixrepro/roots`: the hash of the environment's store path.
        environment: its store path.
        runs: how many records name it.
        last: when the newest of them was started, UTC; "" where there is none.
        current: whether the project's files give it now.
    """

    name: str
    environment: str
    runs: int
    last: str
    current: bool

    def __str__(self) -> str:
        return f"{self.name} {self.environment}"


def kept(root: Path) -> list[Kept]:
    """The environments that a project keeps: the current one, then the last used first."""
    used = _used(root)
    now = current(root)
    found = []
    for link in _links(root):
        path = os.readlink(link)
        times = used.get(path, [])
        found.append(Kept(link.name, path, len(times), max(times, default=""), path == now))
    return sorted(found, key=lambda item: (item.current, item.last, item.name), reverse=True)


def keep_recorded(root: Path, nix: Nix) -> int:
    """Keep the environments of records that were made without this tool, as by `nix run`.

    What is kept already is kept anew where the project was moved or copied.

    Returns:
        How many are kept now that were not; those that were dropped aren't, and those that are
        collected already can't be.
    """
    keep_again(root, nix)
    have = {os.readlink(link) for link in _links(root)} | _dropped(root)
    new = [path for path in _used(root) if path not in have and os.path.exists(path)]
    for path in new:
        folder = root / STATE / "roots"
        folder.mkdir(parents=True, exist_ok=True)
        nix.add_root(folder / root_name(path), path)
    return len(new)


def keep_data(root: Path, nix: Nix, data: Iterable[Artefact]) -> None:
    """Keep fetched optional data, which no environment reaches.

    Raises:
        NixError: a file is not in the store, or the root can't be made.
    """
    from nixrepro.fetch.folders import place

    folder = root / STATE / "roots"
    folder.mkdir(parents=True, exist_ok=True)
    for artefact in data:
        path = place(nix, artefact)
        nix.add_root(folder / f"{_DATA}{artefact.name}", path)


def let_go(
    root: Path, names: Iterable[str], *, unused: bool
) -> tuple[list[Kept], list[KeptTrials]]:
    """Let go of environments and trials; the store loses nothing yet.

    Args:
        root: the project's folder.
        names: the start of the name of each.
        unused: whether to let go of every environment, too, that no record names and that isn't
            current.

    Raises:
        NixreproError: a name means none of them, or several; nothing was dropped.
        OSError: the project can't be written.
    """
    names = list(names)
    trials = chosen_trials(root, [name for name in names if is_trials(name)])
    spare = [item.name for item in kept(root) if not item.runs and not item.current]
    wanted = [name for name in names if not is_trials(name)]
    dropped = drop(root, [*wanted, *(spare if unused else [])])
    drop_trials(root, trials)
    return dropped, trials


def drop(root: Path, names: Iterable[str]) -> list[Kept]:
    """Let go of environments, by the start of their names; the store loses nothing yet.

    Raises:
        NixreproError: a name means none of them, or several; nothing was dropped.
    """
    items = kept(root)
    chosen: list[Kept] = []
    for name in dict.fromkeys(names):
        fitting = [item for item in items if name and item.name.startswith(name)]
        if len(fitting) != 1:
            many = "several environments" if fitting else "no environment"
            raise NixreproError(
                f"{name!r} means {many} that this project keeps", hint="`nixrepro gc` lists them"
            )
        chosen += [item for item in fitting if item not in chosen]
    if chosen:
        _remember_dropped(root, {item.environment for item in chosen})
    for item in chosen:
        (root / STATE / "roots" / item.name).unlink(missing_ok=True)
        if item.current:
            (root / FILE).unlink(missing_ok=True)
            for link in (root / STATE / "roots").glob("shell*"):
                link.unlink()
    return chosen


def _dropped(root: Path) -> set[str]:
    """Store paths that were let go of, though records name them."""
    path = root / STATE / _DROPPED
    return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()


def _remember_dropped(root: Path, paths: set[str]) -> None:
    lines = sorted(_dropped(root) | paths)
    write_atomic(root / STATE / _DROPPED, "".join(f"{line}\n" for line in lines).encode())


def _used(root: Path) -> dict[str, list[str]]:
    """For each environment that a record names, when its runs were started."""
    paths: dict[str, str] = {}
    used: dict[str, list[str]] = {}
    for line in runs(root):
        if line.environment not in paths:
            try:
                document = load(root, line.id).document
            except RunError:
                continue  # one broken record hides no other
            paths[line.environment] = document["environment"]["path"]
        used.setdefault(paths[line.environment], []).append(line.started)
    return used


def _links(root: Path) -> list[Path]:
    folder = root / STATE / "roots"
    if not folder.is_dir():
        return []
    links = (path for path in folder.iterdir() if path.is_symlink())
    return sorted(path for path in links if not path.name.startswith(("shell", _DATA)))

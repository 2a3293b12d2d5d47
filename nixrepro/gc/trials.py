"""The trials that bisect and explain keep: what they hold, and letting go of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nixrepro.errors import NixreproError
from nixrepro.locking import exclusive
from nixrepro.names import counted
from nixrepro.runtime import STATE

BISECT, EXPLAIN = "bisect", "trials"
_LOCK = "lock"


@dataclass(frozen=True)
class KeptTrials:
    """Trials that are kept together.

    Args:
        name: what they are dropped by, and their folder below `.nixrepro`: `bisect/` with a name
            for two locks and the files of A, or `trials`, those of all explanations.
        trials: how many are kept.
        last: when the newest of them was kept, UTC.
        paths: what they keep in the store, each with its environment; of explanations nothing.
    """

    name: str
    trials: int
    last: str
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({counted(self.trials, 'trial')})"


def kept_trials(root: Path) -> list[KeptTrials]:
    """The trials that a project keeps, the newest first."""
    state = root / STATE
    found = []
    for folder in (each for each in (state / BISECT).glob("*") if each.is_dir()):
        links = [path for path in folder.iterdir() if path.is_symlink()]
        paths = sorted(os.readlink(link) for link in links)
        found.append(
            KeptTrials(f"{BISECT}/{folder.name}", len(links), _last([folder, *links]), (*paths,))
        )
    records = [each for each in (state / EXPLAIN).glob("*") if each.is_dir()]
    if records:
        found.append(KeptTrials(EXPLAIN, len(records), _last(records)))
    return sorted(found, key=lambda each: each.last, reverse=True)


def is_trials(name: str) -> bool:
    """Whether a name means trials; no hash of a store path has these letters."""
    return name.partition("/")[0] in (BISECT, EXPLAIN)


def chosen_trials(root: Path, names: Iterable[str]) -> list[KeptTrials]:
    """The trials that some names mean, by their beginnings; `bisect` means all bisections.

    Raises:
        NixreproError: a name means none of them, or several.
    """
    items = kept_trials(root)
    return list(dict.fromkeys(item for name in names for item in _meant(name, items)))


def drop_trials(root: Path, items: Iterable[KeptTrials]) -> None:
    """Let go of trials; the store loses nothing yet. It waits for a bisect that is at work.

    Raises:
        OSError: the project can't be written.
    """
    from nixrepro.repeat.place import remove

    for item in items:
        with exclusive(root / STATE / BISECT / _LOCK, lambda: None):
            remove(root / STATE / item.name)


def _meant(name: str, items: Iterable[KeptTrials]) -> Iterator[KeptTrials]:
    fitting = [item for item in items if item.name.startswith(name)]
    if not fitting or (len(fitting) > 1 and name != BISECT):
        many = "several" if fitting else "no"
        raise NixreproError(
            f"{name!r} means {many} trials that this project keeps", hint="`nixrepro gc` lists them"
        )
    yield from fitting


def _last(paths: Iterable[Path]) -> str:
    newest = max(path.lstat().st_mtime for path in paths)
    return datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")

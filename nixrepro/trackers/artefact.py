"""The folder `nixrepro/` that a tracker's run carries, once it is on this machine."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from nixrepro.errors import FetchError
from nixrepro.record import read
from nixrepro.runtime.trackers.artefact import FOLDER, LOCKS, RECORD, is_patch

# What trackers call their runs, and nothing that is a path or an option.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,255}")


def checked_name(run: str, what: str) -> str:
    """The name of a tracker's run.

    Raises:
        FetchError: it can't be one.
    """
    if not _NAME.fullmatch(run):
        raise FetchError(f"{run!r} is no {what}", hint="copy it from the tracker's own page")
    return run


def missing(extra: str, error: ImportError) -> FetchError:
    """What to say where the tracker's own library isn't there."""
    return FetchError(
        f"{extra} is not installed beside nixrepro: {error}",
        hint=f"pip install 'nixrepro[{extra}]'",
    )


def keep(source: Path, target: Path, what: str) -> Path:
    """Copy what came, as far as it is nixrepro's, and see that it is a record.

    Args:
        source: the folder that the tracker's library wrote.
        target: the folder below which it is to lie.
        what: how the tracker's run is called to a person.

    Returns:
        The folder with `record.json`, and with `nixrepro.lock`, `flake.lock` and `code.patch`
        (`code.patch.1` and so on of submodules) as far as the run carries them.

    Raises:
        FetchError: it carries nothing of nixrepro.
        RunError: its record can't be read.
        OSError: the target can't be written.
    """
    # A stranger's file is taken as what it is, never through a link to something of this machine.
    found = sorted(source.iterdir()) if source.is_dir() else []
    came = [each for each in found if _ours(each.name) and _plain(each)]
    if not any(each.name == RECORD for each in came):
        raise FetchError(
            f"{what} carries nothing of nixrepro",
            hint="only runs that were made in an environment of nixrepro do",
        )
    folder = target / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for each in came:
        if each.resolve() != (folder / each.name).resolve():
            shutil.copyfile(each, folder / each.name)
    read(folder / RECORD)
    return folder


def _ours(name: str) -> bool:
    return name in (RECORD, *LOCKS) or is_patch(name)


def _plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()

"""Lays out the trees of trials: A's files, as Nix is to see them, with another lock in each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nixrepro import git
from nixrepro.lock import FILE
from nixrepro.nar import hash_path
from nixrepro.process import Runner, run
from nixrepro.project import FILE as PROJECT
from nixrepro.realise import read_by_flake
from nixrepro.runtime import STATE

_LEFT_OUT = (".git", STATE, "__pycache__")


def lay_base(project: Path, target: Path, *, made: bool, runner: Runner = run) -> None:
    """Copy a project's files to a new folder, without what is no part of it.

    Args:
        project: the project's folder.
        target: the folder to make.
        made: whether all that lies in the project's folder is part of it; else git says what is.
        runner: how to start git.

    Raises:
        OSError: a file can't be copied.
    """
    known = None if made else _known(project, runner)
    if known is None:
        ignored = shutil.ignore_patterns(*_LEFT_OUT)
        shutil.copytree(project, target, symlinks=True, ignore=ignored)
        return
    target.mkdir(parents=True)
    for name in known:
        source = project / name
        if not os.path.lexists(source):  # git still knows it
            continue
        if source.is_dir() and not source.is_symlink():
            ignored = shutil.ignore_patterns(*_LEFT_OUT)
            shutil.copytree(source, target / name, True, ignored, dirs_exist_ok=True)
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target / name, follow_symlinks=False)


def configure(base: Path, text: str) -> None:
    """Replace a base's pyproject.toml."""
    (base / PROJECT).unlink()
    (base / PROJECT).write_text(text, encoding="utf-8")


def content(base: Path) -> str:
    """The hash of all that trials have in common: a base without its lock."""
    (base / FILE).unlink(missing_ok=True)
    return hash_path(base).nar_hash


def lay(base: Path, target: Path, lock: str) -> None:
    """Make the tree of one trial; its files are the base's own, not copies.

    Args:
        base: what `lay_base` made.
        target: the folder to make.
        lock: the text of its lock.
    """
    shutil.copytree(base, target, symlinks=True, copy_function=_link)
    (target / FILE).unlink(missing_ok=True)
    (target / FILE).write_text(lock, encoding="utf-8")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _known(project: Path, runner: Runner) -> list[str] | None:
    """What git does not ignore of a folder, and what its flake reads; None outside of git."""
    if git.place(project, runner) is None:
        return None
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = runner(argv, cwd=project, env=git.untied(os.environ))
    names = os.fsdecode(done.stdout).split("\0")
    known = dict.fromkeys([*filter(None, names), *read_by_flake(project)])
    return [name for name in known if not set(name.split("/")) & set(_LEFT_OUT)]

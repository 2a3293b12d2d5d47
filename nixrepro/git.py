"""Asks git where a project is, and tells it of new files: a flake sees only those that it knows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nixrepro.process import Runner, run

# Git sets these in its hooks and in `rebase --exec`; they tie every git to that one repository.
_TIES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)


def untied(variables: Mapping[str, str]) -> dict[str, str]:
    """Variables with which git finds the repository that it is started in."""
    return {name: value for name, value in variables.items() if name not in _TIES}


@dataclass(frozen=True)
class Place:
    """Where a folder is: the top of its work tree, and its path below that ("" for the top)."""

    top: str
    inside: str


def place(folder: Path, runner: Runner = run) -> Place | None:
    """Where a folder is in a work tree; None outside, and where git is missing or refuses."""
    argv = ["git", "rev-parse", "--show-toplevel", "--show-prefix"]
    try:
        done = runner(argv, cwd=folder, env=untied(os.environ))
    except FileNotFoundError:
        return None
    match done.stdout.decode(errors="surrogateescape").split("\n"):
        case [top, inside, ""] if done.status == 0:
            return Place(top, inside.rstrip("/"))
        case _:  # outside, or a name with a line break, which no reference can have
            return None


def unknown(folder: Path, paths: Sequence[str], runner: Runner = run) -> list[str]:
    """The files at or below some paths that a flake can't see, since git doesn't know them.

    Args:
        folder: the project's.
        paths: relative to it; those that are not there do no harm.
        runner: how to start git.
    """
    argv = ["git", "ls-files", "--others", "-z", "--", *paths]
    try:
        done = runner(argv, cwd=folder, env=untied(os.environ))
    except FileNotFoundError:
        return []
    found = done.stdout.decode(errors="surrogateescape").split("\0") if done.status == 0 else []
    return [path for path in found if path and "__pycache__" not in path.split("/")]


def committed(folder: Path, name: str, runner: Runner = run) -> str | None:
    """The text of a file as the last commit has it; None where there is none to be had.

    Args:
        folder: the project's.
        name: relative to it.
        runner: how to start git.
    """
    try:
        done = runner(["git", "show", f"HEAD:./{name}"], cwd=folder, env=untied(os.environ))
    except FileNotFoundError:
        return None
    return done.stdout.decode(errors="replace") if done.status == 0 else None


def shared(folder: Path, commit: str, runner: Runner = run) -> bool | None:
    """Whether a remote had a commit when git last asked; None where the commit isn't here.

    Args:
        folder: in the repository.
        commit: its id.
        runner: how to start git.
    """
    argv = ["git", "for-each-ref", "--count=1", "--contains", commit, "refs/remotes"]
    try:
        done = runner(argv, cwd=folder, env=untied(os.environ))
    except FileNotFoundError:
        return None
    return bool(done.stdout) if done.status == 0 else None


def intend_to_add(folder: Path, paths: Sequence[str], runner: Runner = run) -> bool:
    """Make git know new files, without staging their content.

    Args:
        folder: the project's.
        paths: relative to it; those that git knows already or that are not there do no harm.
        runner: how to start git.

    Returns:
        Whether there was a work tree and git took them.
    """
    env = untied(os.environ)
    there = [path for path in paths if (folder / path).exists()]
    try:
        inside = runner(["git", "rev-parse", "--is-inside-work-tree"], cwd=folder, env=env)
    except FileNotFoundError:
        return False
    if inside.status != 0 or inside.stdout.strip() != b"true" or not there:
        return False
    # --force: a flake needs them even where the person's own rules ignore such files.
    argv = ["git", "add", "--intent-to-add", "--force", "--", *there]
    return runner(argv, cwd=folder, env=env).status == 0

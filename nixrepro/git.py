"""Tells git of new files, since a flake sees only those that git knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nixrepro.process import Runner, run


def intend_to_add(folder: Path, paths: Sequence[str], runner: Runner = run) -> bool:
    """Make git know new files, without staging their content.

    Args:
        folder: the project's.
        paths: relative to it; those that git knows already or that are not there do no harm.
        runner: how to start git.

    Returns:
        Whether there was a work tree and git took them.
    """
    there = [path for path in paths if (folder / path).exists()]
    try:
        inside = runner(["git", "rev-parse", "--is-inside-work-tree"], cwd=folder)
    except FileNotFoundError:
        return False
    if inside.status != 0 or inside.stdout.strip() != b"true" or not there:
        return False
    # --force: a flake needs them even where the person's own rules ignore such files.
    argv = ["git", "add", "--intent-to-add", "--force", "--", *there]
    return runner(argv, cwd=folder).status == 0

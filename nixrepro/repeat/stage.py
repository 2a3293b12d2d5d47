"""Repeats a recorded run from its record alone; the project gains one record and nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import RunError
from nixrepro.process import attend
from nixrepro.realise import Environment
from nixrepro.record import Record, read
from nixrepro.repeat import place, realised, tree
from nixrepro.run import command, without
from nixrepro.runtime.folder import RECORD, RUNS, enter

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]


def repeat(
    root: Path,
    record: Record,
    nix: Nix,
    *,
    steps: int | None,
    say: Say,
    show: bool = False,
) -> Record:
    """Run again what a record says, where nothing of the person's is touched.

    Args:
        root: the project's folder, where the new record goes.
        record: the run to be repeated.
        nix: the Nix to realise its environment with.
        steps: digest loss and weights at each so many steps; None for never.
        say: tells the person what is done.
        show: let the program's output through to standard error; it is in the new log anyhow.

    Returns:
        The new run's record, whose `repeats` is the id of the other.

    Raises:
        OtherEnvironment: the environment is not the recorded one; nothing ran.
        NixreproError: something of the run can't be had any more; nothing ran.
        OSError: the project can't be written.
        KeyboardInterrupt, SystemExit: somebody asked this to end; nothing is recorded.
    """
    document = record.document
    name = tree.short(record)
    root = root.resolve()
    for variable in realised.other_variables(record, os.environ):
        say(f"nixrepro: {variable} is not what it was when {name} ran: only its digest is recorded")
    with place.folder(root, record.folder.name) as folder:
        say(f"nixrepro: making the tree of run {name}")
        made = tree.make(root, record, folder / "tree")
        for word in _outside(document, made.original):
            say(f"nixrepro: {word} in the command is the file of today, not the recorded one")
        where = _working(document, made)
        environment = realised.environment(root, made.project, record, nix, say)
        environment = realised.settings(environment, record, folder / "settings.json")
        argv = _argv(environment, made.project, document, steps, say)
        # Records may be committed too, this very run's among them.
        before = frozenset(each.name for each in (made.project / RUNS).glob("*"))
        say(f"nixrepro: repeating run {name}")
        status = attend(argv, cwd=where, env=without(os.environ), show=show)
        return _take(root, made.project, record, status, before)


def _argv(
    environment: Environment, project: Path, document: dict[str, Any], steps: int | None, say: Say
) -> list[str]:
    fingerprint = f"steps:{steps}" if steps is not None else ""
    if fingerprint and not _knows(environment, "--fingerprint"):
        say("nixrepro: its environment knows no --fingerprint yet: steps are not compared")
        fingerprint = ""
    words = document["layers"]["settings"]["command"]
    argv = command(environment, project, words, record=True, fingerprint=fingerprint)
    place = argv.index("--")
    return [*argv[:place], "--quiet", *argv[place:]]


def _knows(environment: Environment, option: str) -> bool:
    """Whether the supervisor in an environment, which may be an old one, has an option."""
    pattern = "lib/python3*/site-packages/nixrepro_runtime/launch.py"
    for path in Path(environment.path).glob(pattern):
        return option in path.read_text(encoding="utf-8")
    return False


def _working(document: dict[str, Any], made: tree.Tree) -> Path:
    """The folder that it runs in; Git keeps no empty ones."""
    stated = document["layers"]["settings"].get("folder", ".")
    where = Path(os.path.normpath(made.project / stated))
    if not where.is_relative_to(made.top):
        raise RunError(
            f"run {document['id'][:12]} ran in {stated} of its project, outside of its repository",
            hint="run it anew from a folder of the repository, which a record can name",
        )
    where.mkdir(parents=True, exist_ok=True)
    return where


def _outside(document: dict[str, Any], original: Path) -> list[str]:
    """Files of the person's work tree that the command names by their whole path."""
    words = document["layers"]["settings"]["command"]
    return [word for word in words if word.startswith(f"{original}{os.sep}")]


def _take(root: Path, project: Path, record: Record, status: int, before: frozenset[str]) -> Record:
    """Move the record that the supervisor left to the project's others."""
    found = (project / RUNS).glob(f"*/{RECORD}")
    left = [(path, read(path)) for path in found if path.parent.name not in before]
    if not left:
        raise RunError(
            f"the repetition of {tree.short(record)} was not recorded; its status is {status}",
            hint="`nixrepro repeat` shows what it says",
        )
    # The program may have started recorded runs of its own.
    path, document = min(left, key=lambda each: str(each[1]["started"]))
    document["repeats"] = record.document["id"]
    write_atomic(path, json_bytes(document))
    target = root / RUNS / path.parent.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path.parent, target)
    enter(str(target.parent), document)
    return Record(target, document)

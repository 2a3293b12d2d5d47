"""Makes recorded runs again, or mixtures of them, apart from the project; it gains one record."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import RunError
from nixrepro.process import attend
from nixrepro.realise import Environment
from nixrepro.record import Record, read
from nixrepro.repeat import place, realised, recipe, tree, virtual
from nixrepro.repeat.recipe import Recipe
from nixrepro.run import command, without
from nixrepro.runtime.folder import RECORD, RUNS, enter
from nixrepro.runtime.probe.kept import FOLDER, SWITCH

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
    name = tree.short(record)
    root = root.resolve()
    for variable in realised.other_variables(record, os.environ):
        say(f"nixrepro: {variable} is not what it was when {name} ran: only its digest is recorded")

    def keep(left: Path, document: dict[str, Any]) -> Record:
        return _enter(root, left, {**document, "repeats": record.document["id"]})

    return perform(root, recipe.of(record, steps), nix, say=say, keep=keep, name=name, show=show)


def perform(
    root: Path,
    wanted: Recipe,
    nix: Nix,
    *,
    say: Say,
    keep: Callable[[Path, dict[str, Any]], Record],
    name: str,
    show: bool = False,
    probe: bool = True,
) -> Record:
    """Make a run of a recipe, in a folder of its own that is gone afterwards.

    Args:
        root: the project's folder, with the repository.
        wanted: the recipe.
        nix: the Nix to realise its environment with.
        say: tells the person what is done.
        keep: takes the folder that the supervisor left, and the record in it, to where it is to be.
        name: what the run is called to the person.
        show: let the program's output through to standard error.
        probe: take the probe of its arithmetic where none is kept.

    Raises:
        OtherEnvironment: the environment is not the expected one; nothing ran.
        NixreproError: something of the run can't be had any more; nothing ran.
        OSError: the project can't be written.
        KeyboardInterrupt, SystemExit: somebody asked this to end; nothing is recorded.
    """
    with place.folder(root, wanted.code.folder.name) as folder:
        say(f"nixrepro: making the tree of run {name}")
        made = tree.make(tree.home(root, wanted.code), wanted.code, folder / "tree")
        tree.lay(made, wanted.lock)
        words = wanted.settings["command"]
        for word in words:
            if word.startswith(f"{made.original}{os.sep}"):
                say(f"nixrepro: {word} in the command is the file of today, not the recorded one")
        where = _working(wanted, made)
        environment = realised.environment(root, made.project, wanted, nix, say)
        environment = realised.settings(
            environment, made.project, wanted.settings, folder / "settings.json", nix
        )
        argv = _argv(environment, made.project, words, wanted.steps, say)
        argv = [*virtual.start(made.project, wanted.cpu, folder, nix), *argv]
        _lend_probes(root, made.project)
        variables = {**without(os.environ), **({} if probe else {SWITCH: "no"})}
        # Records may be committed too, this very run's among them.
        before = frozenset(each.name for each in (made.project / RUNS).glob("*"))
        say(f"nixrepro: repeating run {name}")
        with virtual.processors(wanted.cores):
            status = attend(argv, cwd=where, env=variables, show=show)
        return keep(*_left(made.project, name, status, before))


def _lend_probes(root: Path, project: Path) -> None:
    """Let it find the probes that the project keeps, and keep its own there."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # of a project that has its records in Git
        (project / FOLDER).parent.mkdir(parents=True, exist_ok=True)
        (project / FOLDER).symlink_to(root / FOLDER)


def _argv(
    environment: Environment, project: Path, words: list[str], steps: int | None, say: Say
) -> list[str]:
    fingerprint = f"steps:{steps}" if steps is not None else ""
    if fingerprint and not _knows(environment, "--fingerprint"):
        say("nixrepro: its environment knows no --fingerprint yet: steps are not compared")
        fingerprint = ""
    argv = command(environment, project, words, record=True, fingerprint=fingerprint)
    place = argv.index("--")
    return [*argv[:place], "--quiet", *argv[place:]]


def _knows(environment: Environment, option: str) -> bool:
    """Whether the supervisor in an environment, which may be an old one, has an option."""
    pattern = "lib/python3*/site-packages/nixrepro_runtime/launch.py"
    for path in Path(environment.path).glob(pattern):
        return option in path.read_text(encoding="utf-8")
    return False


def _working(wanted: Recipe, made: tree.Tree) -> Path:
    """The folder that it runs in; Git keeps no empty ones."""
    stated = wanted.settings.get("folder", ".")
    where = Path(os.path.normpath(made.project / stated))
    if not where.is_relative_to(made.top):
        raise RunError(
            f"run {tree.short(wanted.code)} ran in {stated} of its project, outside of its "
            "repository",
            hint="run it anew from a folder of the repository, which a record can name",
        )
    where.mkdir(parents=True, exist_ok=True)
    return where


def _left(
    project: Path, name: str, status: int, before: frozenset[str]
) -> tuple[Path, dict[str, Any]]:
    """The folder and the record that the supervisor left."""
    found = (project / RUNS).glob(f"*/{RECORD}")
    left = [(path, read(path)) for path in found if path.parent.name not in before]
    if not left:
        raise RunError(
            f"the repetition of {name} was not recorded; its status is {status}",
            hint="`nixrepro repeat` shows what it says",
        )
    # The program may have started recorded runs of its own.
    path, document = min(left, key=lambda each: str(each[1]["started"]))
    return path.parent, document


def _enter(root: Path, left: Path, document: Mapping[str, Any]) -> Record:
    """Move a record to the project's others."""
    target = root / RUNS / left.name
    moved = take(left, document, target)
    enter(str(target.parent), moved.document)
    return moved


def take(left: Path, document: Mapping[str, Any], target: Path) -> Record:
    """Move a run's folder, with its record as it is to be, in one step."""
    write_atomic(left / RECORD, json_bytes(document))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(left, target)
    return Record(target, dict(document))

"""Makes recorded runs again, or mixtures of them, apart from the project; it gains one record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.data.lending import lend
from nixrepro.errors import RunError
from nixrepro.process import attend
from nixrepro.realise import Environment
from nixrepro.record import Record
from nixrepro.repeat import place, realised, recipe, tree, virtual
from nixrepro.repeat.left import entered, left_by, named, take
from nixrepro.repeat.recipe import Recipe
from nixrepro.run import command, without
from nixrepro.runtime.folder import RUNS
from nixrepro.runtime.probe.kept import FOLDER, SWITCH
from nixrepro.runtime.variables import SWITCH as TRACKERS

if TYPE_CHECKING:
    from nixrepro.nix import Nix

__all__ = ["entered", "perform", "repeat", "take"]

Say = Callable[[str], None]


def repeat(
    root: Path,
    record: Record,
    nix: Nix,
    *,
    steps: int | None,
    say: Say,
    show: bool = False,
    home: tree.Home | None = None,
) -> Record:
    """Run again what a record says, where nothing of the person's is touched.

    Args:
        root: the project's folder, where the new record goes.
        record: the run to be repeated.
        nix: the Nix to realise its environment with.
        steps: digest loss and weights at each so many steps; None for never.
        say: tells the person what is done.
        show: let the program's output through to standard error; it is in the new log anyhow.
        home: where its code is; None for the project that it is recorded in.

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
        return entered(root, left, {**document, "repeats": record.document["id"]})

    wanted = recipe.of(record, steps)
    return perform(root, wanted, nix, say=say, keep=keep, name=name, show=show, home=home)


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
    home: tree.Home | None = None,
    doing: str = "repeating",
    supply: realised.Supply = realised.Supply(),  # noqa: B008 - it is frozen
    variables: Mapping[str, str] | None = None,
    ready: Callable[[Path], None] = lambda _: None,
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
        home: where its code is; None for the project that it is recorded in.
        doing: what is done with the run, to the person.
        supply: where else than from the registries its environment may be had.
        variables: the host's; None for this process's in a trial, of which trackers hear nothing.
        ready: told the top of the tree, right before the program starts.

    Raises:
        OtherEnvironment: the environment is not the expected one; nothing ran.
        NixreproError: something of the run can't be had any more; nothing ran.
        OSError: the project can't be written.
        KeyboardInterrupt, SystemExit: somebody asked this to end; nothing is recorded.
    """
    with place.folder(root, wanted.code.folder.name) as folder:
        say(f"nixrepro: making the tree of run {name}")
        code = home or tree.home(root, wanted.code)
        made = tree.make(code, wanted.code, folder / "tree")
        tree.lay(made, wanted.lock, wanted.project)
        words = wanted.settings["command"]
        for word in words:
            if made.original and word.startswith(f"{made.original}{os.sep}"):
                say(f"nixrepro: {word} in the command is the file of today, not the recorded one")
        where = _working(wanted, made)
        environment = realised.environment(root, made.project, wanted, nix, say, supply)
        environment = realised.settings(
            *(environment, made.project, wanted.settings, folder / "settings.json", nix),
            compiler=wanted.compiler,
        )
        environment = lend(
            *(root, made.project, environment, wanted.expected or wanted.code, folder, say),
            instead=wanted.places,
        )
        argv = _argv(environment, made.project, words, wanted.steps, say)
        virtual_cpu = virtual.start(made.project, wanted.cpu, folder, nix, wanted.compiler)
        argv = [*virtual_cpu, *argv]
        _lend_probes(root, made.project)
        given = without(variables or {**os.environ, TRACKERS: "no"})
        given |= {} if probe else {SWITCH: "no"}
        # Records may be committed too, this very run's among them.
        before = frozenset(each.name for each in (made.project / RUNS).glob("*"))
        say(f"nixrepro: {doing} run {name}")
        ready(made.top)
        with virtual.processors(wanted.cores):
            status = attend(argv, cwd=where, env=given, show=show)
        left, document = left_by(made.project, name, status, before)
        return keep(left, named(document, wanted.code.document))


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

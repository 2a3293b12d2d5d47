"""Launches a recorded run again as a new one: in its environment, with what is to change."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro import gc
from nixrepro import lock as locks
from nixrepro.errors import BuildError, FetchError
from nixrepro.names import counted
from nixrepro.record import Record
from nixrepro.relaunch.changes import applied
from nixrepro.relaunch.data import exchanged, other_digests, referred
from nixrepro.relaunch.keys import Changes
from nixrepro.relaunch.origin import Origin
from nixrepro.relaunch.outputs import FOLDER, Outputs
from nixrepro.repeat import place, realised, recipe, tree
from nixrepro.repeat.stage import entered, perform

if TYPE_CHECKING:
    from nixrepro.bundle.reading import Bundle
    from nixrepro.nix import Nix

# By these a tracker goes on with a run that it has; a relaunch is a run of its own.
RUN_NAMES = ("MLFLOW_RUN_ID", "WANDB_RUN_ID", "WANDB_RESUME")


def relaunch(
    root: Path,
    origin: Origin,
    changes: Changes,
    nix: Nix,
    *,
    supply: realised.Supply,
    steps: int | None,
    say: Callable[[str], None],
    show: bool = False,
) -> Record:
    """Run again what a record says, with changes; it becomes a run of its own.

    Args:
        root: the folder of the project that gets the new record.
        origin: the run.
        changes: what is to be otherwise.
        nix: the Nix to realise its environment with.
        supply: where else than from the registries its environment may be had.
        steps: digest loss and weights at each so many steps; None for never.
        say: tells the person what is done.
        show: let the program's output through to standard error.

    Returns:
        The new record; its `relaunches` is the id of the old one, its `changed` what differs.

    Raises:
        OtherEnvironment: the environment is not the recorded one; nothing ran.
        NixreproError: a change can't be made, or something of the run can't be had; nothing ran.
        OSError: the project can't be written.
        KeyboardInterrupt, SystemExit: somebody asked this to end; nothing is recorded.
    """
    root, record = root.resolve(), origin.record
    name = tree.short(record)
    settings, changed = applied(changes, record.document["layers"]["settings"])
    wanted = dataclasses.replace(recipe.of(record, steps), settings=settings)
    kept: tuple[locks.Artefact, ...] = ()
    if changes.data:
        lock = locks.parse(_lock(root, origin))
        places = referred(lock, record.document["layers"]["data"], changes.data)
        pinned = {name: file for name, file in changes.data.items() if name not in places}
        lock, files, kept = exchanged(lock, pinned, nix)
        changed |= files
        wanted = dataclasses.replace(wanted, places=places)
        if files:
            names = wanted.data | pinned.keys()
            wanted = dataclasses.replace(wanted, lock=locks.dumps(lock), data=names)
    host = {key: value for key, value in os.environ.items() if key not in RUN_NAMES}
    for variable in realised.other_variables(record, host, tracking=True):
        if variable not in RUN_NAMES:
            say(f"nixrepro: {variable} is not what it was when {name} ran")

    outputs = Outputs()

    def keep(left: Path, document: dict[str, Any]) -> Record:
        lent = other_digests(record.document, document, wanted.places)
        count = outputs.move(left)
        new = entered(root, left, {**document, **links(record.document, {**changed, **lent})})
        if count:
            place = os.path.relpath(new.folder / FOLDER, root)
            say(f"nixrepro: {counted(count, 'file')} that it made in {place}")
        return new

    def launch() -> Record:
        return perform(
            root,
            wanted,
            nix,
            say=say,
            keep=keep,
            name=name,
            show=show,
            home=origin.home,
            doing="relaunching",
            supply=supply,
            variables=host,
            ready=outputs.begin,
        )

    made = (
        _supplied(origin.bundle, record, nix, supply.closure, say, launch)
        if origin.bundle
        else launch()
    )
    gc.keep_recorded(root, nix)
    if kept:
        # Beside the project's own file of that name, which it keeps too.
        named = [dataclasses.replace(a, name=f"{a.name}-{a.sha256[:12]}") for a in kept]
        gc.keep_data(root, nix, named)
    return made


def _supplied(
    bundle: Bundle,
    record: Record,
    nix: Nix,
    closure: bool,
    say: Callable[[str], None],
    launch: Callable[[], Record],
) -> Record:
    """Launch with what a bundle has in the store; where that is not enough, with all of it."""
    from nixrepro.bundle.filling import fill

    fill(bundle, record, nix, closure=closure, say=say)
    try:
        return launch()
    except (BuildError, FetchError):
        # The environment is there, and something small beside it was collected.
        fill(bundle, record, nix, closure=False, say=say, whole=True)
        return launch()


def links(document: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """What a new record says of the one that it was made from."""
    return {"relaunches": document["id"], "changed": dict(changed)}


def _lock(root: Path, origin: Origin) -> str:
    """The text of a run's lock, out of its tree."""
    with place.folder(root, "lock") as folder:
        home = origin.home or tree.home(root, origin.record)
        made = tree.make(home, origin.record, folder / "tree")
        return (made.project / locks.FILE).read_text(encoding="utf-8")

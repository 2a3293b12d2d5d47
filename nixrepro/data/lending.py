"""Lends data by reference to a run in another tree, where it has the digest that was recorded."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import RunError
from nixrepro.realise import Environment
from nixrepro.record import Record
from nixrepro.runtime.datasets import FOLDER
from nixrepro.runtime.datasets.places import place
from nixrepro.runtime.datasets.states import State, look

_SETTINGS = "settings-data.json"


def lend(
    root: Path,
    project: Path,
    made: Environment,
    record: Record,
    folder: Path,
    say: Callable[[str], None],
    instead: Mapping[str, str] | None = None,
) -> Environment:
    """The environment with settings that say where data by reference lies.

    Args:
        root: the person's own project, whose data is used.
        project: the project in the work tree of the run to be made.
        made: its environment.
        record: the run whose data it must be.
        folder: takes the settings' file.
        say: tells the person what is done.
        instead: what is used in place of data, by its name, whatever it is.

    Raises:
        RunError: data is not what the record says; nothing ran.
        OSError: the project can't be written.
    """
    given = json.loads(Path(made.settings).read_bytes())
    stated = given.get("data", {})
    referred = {name: each for name, each in stated.items() if each.get("reference")}
    if not referred:
        return made
    _share(root, project)
    then = {
        each["name"]: each
        for each in record.document["layers"].get("data", [])
        if each.get("pinned", True)
    }
    given_places = dict(instead or {})
    places = {
        name: given_places.get(name) or _found(root, project, name, each, then.get(name, {}), say)
        for name, each in referred.items()
    }
    given["data"] = {
        name: {**each, "place": places[name]} if places.get(name) else each
        for name, each in stated.items()
    }
    path = folder / _SETTINGS
    write_atomic(path, json_bytes(given))
    return made.with_settings(str(path))


def _found(
    root: Path,
    project: Path,
    name: str,
    entry: Mapping[str, Any],
    recorded: Mapping[str, Any],
    say: Callable[[str], None],
) -> str:
    """Where data of the recorded digest lies: in the tree itself, or with the person.

    Raises:
        RunError: nowhere.
    """
    digest = recorded.get("digest")
    if not isinstance(digest, str):
        return place(str(root), name, dict(entry))  # the run that is made again had none either
    state: State | None = None
    # What is committed is in the tree; what is not lies in the person's own project.
    for where in (project, root):
        wanted = {**entry, "digest": digest}
        state = look(str(where), name, wanted, say=lambda text: say(f"nixrepro: {text}"))
        if state.found is not None and state.found.digest == digest:
            return os.path.abspath(state.where)
    assert state is not None
    state.pin = digest
    raise RunError(
        f"data {name!r} is not what the run had: {_reason(state)}",
        hint="put back what it had, or say where that is: `nixrepro data add "
        f"{name} PATH`; with store = true runs keep their data",
    )


def _reason(state: State) -> str:
    said = state.sentence() or state.reason
    return said.replace(f"data {state.name!r} is not what is pinned: ", "")


def _share(root: Path, project: Path) -> None:
    """Let it find what the project knows of its data, and where that lies."""
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    (project / FOLDER).parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (project / FOLDER).symlink_to(root.absolute() / FOLDER)

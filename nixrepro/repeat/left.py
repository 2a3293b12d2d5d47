"""What a repetition leaves: its record is found, named, and moved to where it is to be."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nixrepro.canonical import json_bytes, write_atomic
from nixrepro.errors import RunError
from nixrepro.record import Record, read
from nixrepro.runtime.folder import RECORD, RUNS, enter


def named(document: dict[str, Any], then: Mapping[str, Any]) -> dict[str, Any]:
    """A record whose commit has the names of its repository, which a tree apart knows none of."""
    now, known = (each["layers"].get("code") or {} for each in (document, then))
    if not now.get("commit") or now["commit"] != known.get("commit"):
        return document
    keys = ("remote", "describe") if now.get("tree") == known.get("tree") else ("remote",)
    names = {key: known[key] for key in keys if isinstance(known.get(key), str)}
    return {**document, "layers": {**document["layers"], "code": {**now, **names}}}


def left_by(
    project: Path, name: str, status: int, before: frozenset[str]
) -> tuple[Path, dict[str, Any]]:
    """The folder and the record that the supervisor left."""
    found = (project / RUNS).glob(f"*/{RECORD}")
    left = [(path, read(path)) for path in found if path.parent.name not in before]
    if not left:
        raise RunError(
            f"the new run of {name} was not recorded; its status is {status}",
            hint="`nixrepro repeat` shows what it says",
        )
    # The program may have started recorded runs of its own.
    path, document = min(left, key=lambda each: str(each[1]["started"]))
    return path.parent, document


def entered(root: Path, left: Path, document: Mapping[str, Any]) -> Record:
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

"""Finds data by reference with the digest that a run had: in its tree, or where it lies now."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nixrepro.runtime.datasets import FOLDER
from nixrepro.runtime.datasets.states import look

# What was committed as data, by its digest: a tree that holds it is there only for a moment.
COMMITTED = f"{FOLDER}/committed"


def places(root: Path, tree: Path, layers: Mapping[str, Any]) -> dict[str, str]:
    """Whole paths of a run's data by reference, by name, as far as it can be had as it was.

    Args:
        root: the person's project, whose data may still be that of the run.
        tree: the project in the run's own tree.
        layers: of the run's record.

    Raises:
        OSError: what was committed can't be kept.
    """
    entries = layers.get("data")
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        name, digest = str(entry.get("name")), entry.get("digest")
        if "pin" not in entry or entry.get("kind") == "dvc" or not isinstance(digest, str):
            continue
        wanted = {"path": str(entry.get("path", "")), "digest": digest}
        kept = root / COMMITTED / digest.replace(":", "-")
        if _same(tree, name, wanted):
            if not _same(root, name, {**wanted, "place": str(kept)}):
                _keep(tree / wanted["path"], kept)
            found[name] = str(kept)
        elif there := _same(root, name, wanted):
            found[name] = there
    return found


def _same(project: Path, name: str, wanted: dict[str, str]) -> str:
    """Where data lies that has the digest; "" where it doesn't."""
    state = look(str(project), name, wanted)
    return os.path.abspath(state.where) if state.same else ""


def _keep(data: Path, target: Path) -> None:
    """Copy data, in one step; the tree may be on another file system."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as scratch:
        made = Path(scratch) / "data"
        if data.is_dir():
            shutil.copytree(data, made)
        else:
            shutil.copyfile(data, made)
        if target.is_dir():
            shutil.rmtree(target)
        os.replace(made, target)

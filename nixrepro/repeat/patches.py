"""Puts what was not committed into a repetition's tree: the patches beside a record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nixrepro.errors import RunError
from nixrepro.repeat.integrity import sha256_of
from nixrepro.repeat.work import Work
from nixrepro.runtime.git import LARGE


def patched(work: Work, entry: Mapping[str, Any], commit: str, folder: Path, name: str) -> str:
    """Have the tree that an entry states: a commit with a patch; its name.

    Args:
        work: the work tree, where the commit is checked out.
        entry: the code layer of a record, or that of a submodule in it.
        commit: "" for none.
        folder: the record's, which has the patch.
        name: what has it, to the person.

    Raises:
        RunError: the patch is not the recorded one, or gives another tree.
    """
    stated = entry.get("patch")
    if not isinstance(stated, dict) or "file" not in stated:
        why = stated.get("unknown") if isinstance(stated, dict) else None
        raise RunError(
            f"{name} had changes that are not recorded" + (f": {why}" if why else ""),
            hint="commit them, and run it anew",
        )
    path = folder / Path(str(stated["file"])).name
    if sha256_of(path) != stated["sha256"]:
        what = "is not the one that was recorded" if path.exists() else "is gone"
        raise RunError(f"{path} {what}", hint="restore it from where the run was recorded")
    tree = work.tree_with(path.read_bytes(), commit)
    if tree != entry["tree"]:
        raise RunError(f"{path.name} of {name} gives tree {tree}, recorded was {entry['tree']}")
    work.become(tree, commit, LARGE)
    return tree

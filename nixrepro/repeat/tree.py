"""Makes what ran again: the recorded commit and what was not committed, apart from the project."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nixrepro import git
from nixrepro.errors import RunError
from nixrepro.process import Runner, run
from nixrepro.record import Record
from nixrepro.repeat.integrity import sha256_of
from nixrepro.repeat.work import Work
from nixrepro.runtime.folder import RUNS
from nixrepro.runtime.git import LARGE, Code

PATCH = "code.patch"
_LOCK = "nixrepro.lock"
_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Tree:
    """A work tree of a repetition.

    Args:
        top: its top folder.
        project: the project's folder in it.
        original: the top folder of the work tree that the project itself is in.
    """

    top: Path
    project: Path
    original: Path


def make(root: Path, record: Record, target: Path, runner: Runner = run) -> Tree:
    """Make the tree of a record; the project's own repository is only read.

    Args:
        root: the project's folder.
        record: the run to be repeated.
        target: the folder to make.
        runner: how to start git.

    Raises:
        RunError: the record or the repository has not all of it; the message says what is missing.
    """
    name = f"run {short(record)}"
    code = _known(record, name)
    place = git.place(root, runner)
    if place is None:
        raise RunError(
            f"{root} is in no Git repository that git accepts",
            hint="repeat it in a clone of the repository that it ran in",
        )
    work = Work(target, runner)
    work.link(root)
    commit = code["commit"] if isinstance(code["commit"], str) else ""
    if commit:
        if not work.has(commit):
            raise RunError(
                f"commit {commit}, which {name} ran, is not in the repository (any more)",
                hint=f"`git fetch REMOTE {commit}` brings it from where it still is",
            )
        work.check_out(commit)
    if "patch" in code:
        tree = work.tree_with(_patch(record), commit)
        if tree != code["tree"]:
            raise RunError(f"{PATCH} of {name} gives tree {tree}, recorded was {code['tree']}")
        work.become(tree, commit, LARGE)
    if submodules := work.submodules(code["tree"]):
        raise RunError(
            f"{name} had the submodule {submodules[0]}: submodules can't be repeated",
            hint="only their commits are recorded; copy their files into the project",
        )
    for entry in code.get("large", []):
        _bring_large(Path(place.top), target, entry, name)
    project = target / place.inside
    if sha256_of(project / _LOCK) is None:
        raise RunError(
            f"there was no {_LOCK} in {place.inside or 'the top folder'} when {name} ran",
            hint="repeat it in the folder of the repository where the project was then",
        )
    stated = record.document["environment"].get("lock")
    if stated and sha256_of(project / _LOCK) != stated:
        raise RunError(
            f"{_LOCK} in the recorded tree is not the one whose environment {name} had",
            hint="it ran in another project's environment; nothing says from which lock",
        )
    _compare(project, code, name)
    return Tree(target, project, Path(place.top))


def home(root: Path, record: Record, runner: Runner = run) -> Path:
    """The project that has the code of a run: the one it is recorded in, where that is in Git.

    Args:
        root: the project's folder, which stands in for it.
        record: the run's, maybe from another clone.
        runner: how to start git.
    """
    above = record.folder.resolve().parents
    if above[0].parts[-2:] == Path(RUNS).parts and git.place(above[2], runner):
        return above[2]
    return root


def lay(tree: Tree, lock: str) -> None:
    """Put another lock into a tree; with an empty text its own stays."""
    if lock:
        (tree.project / _LOCK).write_text(lock, encoding="utf-8")


def short(record: Record) -> str:
    """A run's name to people."""
    return str(record.document["id"])[:12]


def leaves(path: str) -> bool:
    """Whether a relative path leads out of its folder."""
    return path.startswith("/") or ".." in PurePosixPath(path).parts


def _known(record: Record, name: str) -> dict[str, Any]:
    code: dict[str, Any] = record.document["layers"].get("code") or {}
    for value in (code, code.get("tree"), code.get("patch")):
        if isinstance(value, dict) and "unknown" in value:
            raise RunError(
                f"the code of {name} is not known: {value['unknown']}",
                hint="keep the project in Git: what runs there is recorded with its code",
            )
    names = (code.get("tree"), code.get("commit"))
    if not isinstance(names[0], str) or not all(_plain(each) for each in names):
        raise RunError(f"the record of {name} does not say what code ran")
    return code


def _plain(name: object) -> bool:
    """Whether it is no option to git, if it is text at all."""
    return not isinstance(name, str) or _NAME.fullmatch(name) is not None


def _patch(record: Record) -> bytes:
    path = record.folder / PATCH
    if sha256_of(path) != record.document["layers"]["code"]["patch"]["sha256"]:
        what = "is not the one that was recorded" if path.exists() else "is gone"
        raise RunError(f"{path} {what}", hint="restore it from where the run was recorded")
    return path.read_bytes()


def _bring_large(top: Path, target: Path, entry: dict[str, Any], name: str) -> None:
    """Take an untracked file that the record knows by its digest only from the project."""
    path, stated = str(entry["path"]), entry["sha256"]
    what = f"{name} had the untracked file {path}"
    inside = (target / path).resolve().is_relative_to(target.resolve())  # not by a link in it
    if leaves(path) or not inside or ".git" in PurePosixPath(path).parts:
        raise RunError(f"{what}, which lies outside of the repository")
    if not isinstance(stated, str):
        raise RunError(f"{what}, which can't be had again: {stated['unknown']}")
    if sha256_of(top / path) != stated:
        now = "is another one now" if (top / path).exists() else "is gone"
        hint = "restore it; as pinned data ([tool.nixrepro.data]) it would be kept"
        raise RunError(f"{what}, which {now}", hint=hint)
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(top / path, target / path)


def _compare(project: Path, code: dict[str, Any], name: str) -> None:
    """See that the supervisor will find in the tree what it found then."""
    reader = Code(str(project), "", dict(os.environ))
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as scratch:
        reader.start()
        now, _ = reader.finish(scratch)
    for key in ("commit", "tree", "large"):
        if now.get(key) != code.get(key):
            raise RunError(
                f"the work tree of {name} could not be made again: its {key} would be "
                f"{now.get(key)}, recorded was {code.get(key)}"
            )

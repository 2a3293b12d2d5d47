"""Makes what ran again: the recorded commit and what was not committed, apart from the project."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from nixrepro.config import FILE as PROJECT
from nixrepro.errors import RunError
from nixrepro.process import Runner, run
from nixrepro.record import Record
from nixrepro.repeat import submodules
from nixrepro.repeat.home import LOCK, Home, at, inside
from nixrepro.repeat.home import of as home
from nixrepro.repeat.integrity import sha256_of
from nixrepro.repeat.patches import patched
from nixrepro.repeat.work import Work
from nixrepro.runtime.git import Code

__all__ = ["PATCH", "Home", "Tree", "home", "lay", "leaves", "make", "short"]

PATCH = "code.patch"
_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Tree:
    """A work tree of a repetition.

    Args:
        top: its top folder.
        project: the project's folder in it.
        original: the top folder of the work tree that the project itself is in; None where there
            is none.
        submodules: those that it has.
    """

    top: Path
    project: Path
    original: Path | None
    submodules: tuple[submodules.Submodule, ...] = ()


def make(root: Path | Home, record: Record, target: Path, runner: Runner = run) -> Tree:
    """Make the tree of a record; the project's own repository is only read.

    Args:
        root: the project's folder, or else where its code is.
        record: the run to be repeated.
        target: the folder to make.
        runner: how to start git.

    Raises:
        RunError: the record or the repository has not all of it; the message says what is missing.
    """
    name = f"run {short(record)}"
    code = _known(record, name)
    place = root if isinstance(root, Home) else at(root, runner)
    work = Work(target, runner)
    work.link(place.repository)
    commit = code["commit"] if isinstance(code["commit"], str) else ""
    if commit:
        if not work.has(commit):
            raise RunError(
                f"commit {commit}, which {name} ran, is not in the repository (any more)",
                hint=f"`git fetch REMOTE {commit}` brings it from where it still is",
            )
        work.check_out(commit)
    if "patch" in code:
        patched(work, code, commit, record.folder, name)
    below = place.inside if place.inside is not None else inside(work, code["tree"], record, name)
    known = submodules.had(name, record.folder, code)
    made = tuple(submodules.make(work, code["tree"], place, known))
    for entry in code.get("large", []):
        _bring_large(place, target, entry, name)
    project = target / below
    if sha256_of(project / LOCK) is None:
        raise RunError(
            f"there was no {LOCK} in {below or 'the top folder'} when {name} ran",
            hint="repeat it in the folder of the repository where the project was then",
        )
    stated = record.document["environment"].get("lock")
    if stated and sha256_of(project / LOCK) != stated:
        raise RunError(
            f"{LOCK} in the recorded tree is not the one whose environment {name} had",
            hint="it ran in another project's environment; nothing says from which lock",
        )
    _compare(project, code, name)
    return Tree(target, project, place.top, made)


def lay(tree: Tree, lock: str, project: str = "") -> None:
    """Put another lock and pyproject.toml into a tree; with an empty text its own stays."""
    for name, text in ((LOCK, lock), (PROJECT, project)):
        if text:
            (tree.project / name).write_text(text, encoding="utf-8")


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


def _bring_large(place: Home, target: Path, entry: dict[str, Any], name: str) -> None:
    """Take an untracked file that the record knows by its digest only from where the code is."""
    path, stated = str(entry["path"]), entry["sha256"]
    what = f"{name} had the untracked file {path}"
    within = (target / path).resolve().is_relative_to(target.resolve())  # not by a link in it
    if leaves(path) or not within or ".git" in PurePosixPath(path).parts:
        raise RunError(f"{what}, which lies outside of the repository")
    if not isinstance(stated, str):
        raise RunError(f"{what}, which can't be had again: {stated['unknown']}")
    source = place.large_file(path, stated)
    if sha256_of(source) != stated:
        now = "is another one now" if source.exists() else "is gone"
        hint = "restore it; as pinned data ([tool.nixrepro.data]) it would be kept"
        raise RunError(f"{what}, which {now}", hint=hint)
    (target / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target / path)


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

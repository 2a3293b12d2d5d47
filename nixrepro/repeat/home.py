"""Where the code of a run is taken from: a repository, the project's folder in it, large files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from nixrepro import git
from nixrepro.errors import RunError
from nixrepro.process import Runner, run
from nixrepro.record import Record
from nixrepro.repeat.work import Work
from nixrepro.runtime.folder import RUNS

LOCK = "nixrepro.lock"


@dataclass(frozen=True)
class Home:
    """Where the code of a run is.

    Args:
        repository: a folder in a repository, or a bare one, that has its objects.
        inside: the project's folder in the tree, "" for its top; None where its lock tells.
        top: the top of the work tree, by which large files and submodules are found; None where
            there is no work tree.
        large: a folder of large files under their SHA-256; None where they are in the work tree.
    """

    repository: Path
    inside: str | None
    top: Path | None = None
    large: Path | None = None

    def large_file(self, path: str, sha256: str) -> Path:
        """Where a large file is, or would be: a path of the work tree, known by its digest."""
        if self.large is not None:
            return self.large / sha256
        return (self.top or self.repository) / path


def at(root: Path, runner: Runner = run) -> Home:
    """The home that a project's folder is in.

    Raises:
        RunError: it is in no repository.
    """
    place = git.place(root, runner)
    if place is None:
        raise RunError(
            f"{root} is in no Git repository that git accepts",
            hint="repeat it in a clone of the repository that it ran in",
        )
    return Home(root, place.inside, Path(place.top))


def of(root: Path, record: Record, runner: Runner = run) -> Path:
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


def inside(work: Work, tree: str, record: Record, name: str) -> str:
    """The project's folder in a tree, found by the lock that a run had.

    Args:
        work: has the tree.
        tree: its name.
        record: the run's.
        name: what the run is called to the person.

    Raises:
        RunError: none of the tree's locks is that one, or several are.
    """
    stated = record.document["environment"].get("lock")
    listed = work.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree).split(b"\0")
    found = [
        os.path.dirname(path)
        for path in map(os.fsdecode, listed)
        if os.path.basename(path) == LOCK
        and hashlib.sha256(work.git("cat-file", "blob", f"{tree}:{path}")).hexdigest() == stated
    ]
    if len(found) != 1:
        many = f"{', '.join(each or '.' for each in found)} have" if found else "no folder has"
        raise RunError(
            f"in the tree of {name} {many} the {LOCK} that it ran with: its project is not known",
            hint="name the project's folder in a clone of that repository: nixrepro -C FOLDER ...",
        )
    return found[0]

"""Finds the two ends of a bisection: A with its tree, and the lock of B."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nixrepro import diff, git
from nixrepro import lock as locks
from nixrepro.bisect.model import End
from nixrepro.diff import revisions
from nixrepro.errors import NixreproError, RunError
from nixrepro.process import Runner, run
from nixrepro.record import Record
from nixrepro.repeat import integrity, tree
from nixrepro.repeat.work import Work
from nixrepro.runtime.folder import events

_WAYS = "give a run, a lock file, a git revision with a colon, or the folder of a project"


@dataclass(frozen=True)
class Start:
    """A: the end that trials are made of.

    Args:
        end: its name, lock and record.
        project: the folder that has its files.
        made: whether that folder was made for this and has nothing else in it.
    """

    end: End
    project: Path
    made: bool


def start(root: Path, text: str, target: Path) -> Start:
    """A, with its tree.

    Args:
        root: the project's folder.
        text: a run, a lock file (then the tree is the project as it is), a git revision with a
            colon, or a project's folder.
        target: a folder to make, where the tree can't be used where it is.

    Raises:
        NixreproError: it means nothing that has a lock, or its tree can't be had.
    """
    side = diff.find(root, text)
    if side.kind == "run" and side.record:
        project = _made(root, side.record, target)
        name = f"run {tree.short(side.record)}"
        return Start(End(name, locks.load(project / locks.FILE), side.record), project, True)
    if side.kind == "revision":
        project, file = _checked_out(root, text, target)
        return Start(End(side.name, _parsed(file, text)), project, True)
    path = _file(Path(text), text)
    folder = Path(text) if Path(text).is_dir() else root
    return Start(End(text, locks.load(path)), folder.resolve(), False)


def other(root: Path, text: str, target: Path) -> End:
    """B: its lock; the same arguments and errors as `start`'s."""
    side = diff.find(root, text)
    if side.kind == "run" and side.record:
        return End(
            f"run {tree.short(side.record)}", _of_run(root, side.record, target), side.record
        )
    if side.kind == "revision":
        _, file = _checked_out(root, text, target)
        return End(side.name, _parsed(file, text))
    return End(text, locks.load(_file(Path(text), text)))


def _of_run(root: Path, record: Record, target: Path, runner: Runner = run) -> locks.Lock:
    """The lock of a run: the project's own or its commit's, if it is that one, else its tree's."""
    _check(record)
    home = tree.home(root, record, runner)
    stated = record.document["environment"].get("lock")
    commit = record.document["layers"].get("code", {}).get("commit")
    place = git.place(home, runner)
    found = [home / locks.FILE] if (home / locks.FILE).is_file() else []
    texts = [path.read_bytes() for path in found]
    if place and isinstance(commit, str):
        name = f"{commit}:{place.inside}/{locks.FILE}".replace(":/", ":")
        done = runner(["git", "cat-file", "blob", name], cwd=home)
        texts += [done.stdout] if done.status == 0 else []
    for text in texts:
        if stated and hashlib.sha256(text).hexdigest() == stated:
            return locks.parse(text.decode(), f"{locks.FILE} of run {tree.short(record)}")
    return locks.load(_made(root, record, target) / locks.FILE)


def _made(root: Path, record: Record, target: Path) -> Path:
    """The project in the tree of a run, which may be recorded in another clone."""
    _check(record)
    return tree.make(tree.home(root, record), record, target).project


def _check(record: Record) -> None:
    """See that a record is as it was written; a copy may have its folder under another name."""
    folder = record.folder
    wrong = integrity.problems(
        record.document,
        lambda name: integrity.sha256_of(folder / name),
        lambda: events(str(folder / "events.jsonl")),
    )
    if wrong:
        raise RunError(
            f"run {tree.short(record)} is not as it was recorded, and is not tried",
            hint="restore it from where it was recorded",
            details="\n".join(f"  {each.subject}: {each.reason}" for each in wrong),
        )


def _checked_out(root: Path, text: str, target: Path) -> tuple[Path, Path]:
    """The project's folder of REV:PATH in a tree of its own, and the lock that is meant."""
    commit = revisions.commit(root, text)
    work = Work(target, run)
    work.link(root)
    work.check_out(commit)
    given = text.partition(":")[2].strip("/")
    if given.rpartition("/")[2].endswith(".lock"):
        return target / given.rpartition("/")[0], target / given
    place = git.place(root)
    project = target / (given or (place.inside if place else ""))
    return project, project / locks.FILE


def _parsed(file: Path, text: str) -> locks.Lock:
    return locks.parse(file.read_text(encoding="utf-8"), f"{locks.FILE} at {text}")


def _file(path: Path, text: str) -> Path:
    """The lock of a lock file or a project's folder."""
    if path.is_dir() and (path / locks.FILE).is_file():
        return path / locks.FILE
    if path.is_file() and path.suffix != ".json":
        return path
    raise NixreproError(f"{text} has no lock, and only locks can be mixed", hint=_WAYS)

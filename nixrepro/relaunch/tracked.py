"""Takes a logged run out of an experiment tracker, checks it, and finds the repository it names."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nixrepro import git
from nixrepro.errors import RunError
from nixrepro.process import Runner, run
from nixrepro.record import Record, read
from nixrepro.relaunch.origin import Origin
from nixrepro.repeat.home import LOCK, Home, at
from nixrepro.repeat.integrity import unsound
from nixrepro.runtime.folder import RECORD

# What a remote may look like; others, such as `ext::`, have git start programs.
_REMOTE = re.compile(r"(https?|ssh|git|file)://[^\s'\"]+|\w[\w.-]*@[\w.-]+:[^\s'\"]+|/[^\s'\"]+")
_PROTOCOLS = "https:http:ssh:git:file"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@contextmanager
def fetched(root: Path, kind: str, name: str, say: Callable[[str], None]) -> Iterator[Origin]:
    """A tracker's run, in a folder that is gone afterwards.

    Args:
        root: the project's folder, whose repository may have the commit.
        kind: the tracker.
        name: the run's there.
        say: tells the person what is done.

    Raises:
        NixreproError: the tracker does not have it, or it is not as it was recorded.
    """
    tracker = importlib.import_module(f"nixrepro.trackers.{kind}")
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as scratch:
        say(f"nixrepro: taking run {name} from {kind}")
        folder = Path(scratch) / "run"
        folder.mkdir()
        folder = Path(tracker.fetch(name, folder) or folder)
        found = checked(folder, f"{kind}:{name}")
        yield Origin(found, repository(root, found, Path(scratch) / "repository", say))


def checked(folder: Path, what: str) -> Record:
    """The record in a folder that a tracker gave, with files that fit it.

    Raises:
        RunError: they do not fit.
    """
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise RunError(f"{what} has a link among its files, {path.name}: it is not used")
    found = Record(folder, read(folder / RECORD))
    unsound(found, "launched again", partial=True)
    stated = found.document["environment"].get("lock")
    lock = folder / LOCK
    if lock.is_file() and hashlib.sha256(lock.read_bytes()).hexdigest() != stated:
        raise RunError(f"{LOCK} of {what} is not the one that its record states")
    return found


def repository(
    root: Path, record: Record, target: Path, say: Callable[[str], None], runner: Runner = run
) -> Home:
    """Where the commit of a run is: the project's own repository, or a clone of the recorded one.

    Args:
        root: the project's folder.
        record: the run's.
        target: where to clone to.
        say: tells the person what is done.
        runner: how to start git.

    Raises:
        RunError: it is nowhere.
    """
    code: dict[str, Any] = record.document["layers"].get("code") or {}
    commit = code.get("commit")
    if git.place(root, runner) is not None and (
        not isinstance(commit, str) or _has(root, commit, runner)
    ):
        here = at(root, runner)
        stated = record.document["environment"].get("lock")
        return here if _locked(root, commit, stated, runner) else Home(root, None, here.top)
    remote = code.get("remote")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise RunError("the record names no commit, and so nothing to clone")
    if not isinstance(remote, str) or not _REMOTE.fullmatch(remote):
        why = remote.get("unknown") if isinstance(remote, dict) else None
        raise RunError(
            f"commit {commit} is not in the repository here, and the record names no other"
            + (f": {why}" if why else ""),
            hint="start this in a clone of the repository that it ran in",
        )
    say(f"nixrepro: cloning {remote}")
    env = {**git.untied(os.environ), "GIT_ALLOW_PROTOCOL": _PROTOCOLS}
    target.mkdir()
    form = f"--object-format={'sha1' if len(commit) == len('0' * 40) else 'sha256'}"
    runner(["git", "init", "--quiet", "--bare", "--template=", form, "."], cwd=target, env=env)
    # Servers may give branches and tags only; a commit by itself is far less.
    words = ["git", "fetch", "--quiet", "--no-recurse-submodules"]
    one = runner([*words, "--depth=1", "--", remote, commit], cwd=target, env=env)
    if one.status != 0:
        every = ["+refs/*:refs/remotes/all/*"]
        one = runner([*words, "--", remote, *every], cwd=target, env=env)
    if not _has(target, commit, runner):
        raise RunError(
            f"commit {commit} is not to be had from {remote}",
            hint="start this in a clone of the repository that it ran in",
            details=one.stderr,
        )
    return Home(target, None)


def _has(folder: Path, commit: str, runner: Runner) -> bool:
    if not _COMMIT.fullmatch(commit):
        return False
    argv = ["git", "cat-file", "-e", f"{commit}^{{commit}}"]
    return runner(argv, cwd=folder, env=git.untied(os.environ)).status == 0


def _locked(root: Path, commit: object, stated: object, runner: Runner) -> bool:
    """Whether the project here is the one that ran: its lock at the commit says so."""
    if not isinstance(commit, str):
        return True
    done = runner(["git", "show", f"{commit}:./{LOCK}"], cwd=root, env=git.untied(os.environ))
    return done.status == 0 and hashlib.sha256(done.stdout).hexdigest() == stated

"""The code in a bundle: Git bundles of the commits that ran, with or without what came before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from nixrepro import git
from nixrepro.bundle.manifest import BrokenBundle
from nixrepro.bundle.sources import BLOCK
from nixrepro.errors import RunError
from nixrepro.process import Completed, Runner, run

REF = "refs/heads/nixrepro"
# One thread, and nothing reused of how the repository happens to be packed: the same bytes always.
_PLAIN = ("--threads=1", "--no-reuse-delta", "--no-reuse-object", "--delta-base-offset", "-q")


def pack(source: Path, commit: str, target: Path, history: bool, runner: Runner = run) -> None:
    """Write a Git bundle of one commit.

    Args:
        source: a folder in the repository that has it.
        commit: its name.
        target: the file to make.
        history: whether all earlier commits come along; without, the bundle is as shallow as a
            clone with `--depth 1`.
        runner: how to start git.

    Raises:
        RunError: git fails.
    """
    scratch = target.with_name(f"{target.name}.git")
    asked = ("rev-parse", "--show-object-format", "--git-path", "objects")
    form, objects = os.fsdecode(_git(source, runner, *asked).stdout).splitlines()
    scratch.mkdir()
    _git(scratch, runner, "init", "--quiet", "--bare", "--template=", f"--object-format={form}")
    borrowed = scratch / "objects" / "info"
    borrowed.mkdir(parents=True, exist_ok=True)
    (borrowed / "alternates").write_bytes(os.fsencode(source.absolute() / objects) + b"\n")
    shallow = _git(source, runner, "rev-parse", "--git-path", "shallow").stdout.rstrip(b"\n")
    there = source / os.fsdecode(shallow)
    if not history:
        (scratch / "shallow").write_text(f"{commit}\n")
    elif there.exists():
        shutil.copy(there, scratch / "shallow")
    words = ("pack-objects", "--revs", *_PLAIN, "pack")
    name = _git(scratch, runner, *words, stdin=f"{commit}\n".encode()).stdout.decode().strip()
    head = "# v2 git bundle\n" if form == "sha1" else f"# v3 git bundle\n@object-format={form}\n"
    with open(target, "xb") as stream, open(scratch / f"pack-{name}.pack", "rb") as packed:
        stream.write(f"{head}{commit} {REF}\n{commit} HEAD\n\n".encode())
        shutil.copyfileobj(packed, stream, BLOCK)
    shutil.rmtree(scratch)


def unpack(files: Iterable[tuple[Path, str]], target: Path, runner: Runner = run) -> None:
    """Make a repository, without a work tree, that has the objects of some Git bundles.

    Args:
        files: the bundles, each with its commit.
        target: the folder to make.
        runner: how to start git.

    Raises:
        BrokenBundle: git does not find the commit and all of its files in one.
        RunError: git fails otherwise.
    """
    target.mkdir()
    known = list(files)
    form = "sha256" if any(len(commit) > len("0" * 40) for _, commit in known) else "sha1"
    _git(target, runner, "init", "--quiet", "--bare", "--template=", f"--object-format={form}")
    # What came before may be missing, and git is to look for it in none of them.
    commits = sorted({commit for _, commit in known})
    if commits:
        (target / "shallow").write_text("".join(f"{commit}\n" for commit in commits))
    for number, (file, commit) in enumerate(known):
        words = ("fetch", "--quiet", "--no-tags", "--update-shallow", str(file.absolute()))
        done = _ask(target, runner, *words, f"{REF}:refs/heads/{number}")
        found = _ask(target, runner, "rev-parse", "--verify", f"refs/heads/{number}^{{commit}}")
        if done.status != 0 or found.stdout.decode().strip() != commit:
            raise BrokenBundle(
                f"{file.name} has not all of commit {commit}",
                hint="copy the bundle again from where it was made",
                details=done.stderr,
            )


def _git(folder: Path, runner: Runner, *words: str, stdin: bytes = b"") -> Completed:
    done = _ask(folder, runner, *words, stdin=stdin)
    if done.status != 0:
        raise RunError(f"`git {words[0]}` failed in {folder}", details=done.stderr)
    return done


def _ask(folder: Path, runner: Runner, *words: str, stdin: bytes = b"") -> Completed:
    env = {**git.untied(os.environ), "LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "file"}
    try:
        return runner(["git", "-c", "gc.auto=0", *words], cwd=folder, env=env, stdin=stdin)
    except FileNotFoundError:
        raise RunError("git is not installed", hint="install it: `apt install git`") from None

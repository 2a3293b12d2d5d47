"""Submodules in a repetition's tree: each as the run had it, from objects that are here."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nixrepro import git
from nixrepro.errors import RunError
from nixrepro.repeat.home import Home
from nixrepro.repeat.patches import patched
from nixrepro.repeat.work import Work, is_git_folder

_MODULES = ".gitmodules"


@dataclass(frozen=True)
class Submodule:
    """One that was made: its path in the whole tree, and its commit."""

    path: str
    commit: str


@dataclass(frozen=True)
class Had:
    """What a record says of the submodules of a run.

    Args:
        name: what the run is called to the person.
        folder: the record's, with the patches.
        stated: the record's entries, by path.
        unsure: whether something was not committed, in a record that says nothing of submodules.
    """

    name: str
    folder: Path
    stated: Mapping[str, Mapping[str, Any]]
    unsure: bool


def had(name: str, folder: Path, code: Mapping[str, Any]) -> Had:
    """What a code layer says of submodules; the arguments are those of `Had`."""
    entries = [each for each in code.get("submodules", []) if isinstance(each, dict)]
    unsure = bool(code.get("dirty")) and "submodules" not in code
    return Had(name, folder, {str(each.get("path")): each for each in entries}, unsure)


def make(work: Work, tree: str, home: Home, known: Had, above: str = "") -> Iterator[Submodule]:
    """Fill in the submodules of a tree, and theirs.

    Args:
        work: the work tree, which has the tree.
        tree: its name.
        home: where its objects are taken from.
        known: what the record says.
        above: the path of what it is a submodule of, with a slash; "" for the project's repository.

    Raises:
        RunError: one can't be made as it was; the message says which, and why.
    """
    for path, named in work.submodules(tree):
        whole = f"{above}{path}"
        entry = known.stated.get(whole, {})
        if entry.get("missing"):
            continue  # it was not checked out then, and nothing of it could be read
        commit = str(entry.get("commit", named))
        if not entry and known.unsure:
            raise RunError(
                f"{known.name} had the submodule {whole}, and its record does not say which files "
                "were in it",
                hint="run it anew: what is not committed in submodules is recorded by now",
            )
        if not (work.top / path).resolve().is_relative_to(work.top.resolve()):
            # Only a tree that no git wrote has a submodule beyond a link of another one.
            raise RunError(f"the submodule {whole} of {known.name} lies outside of the repository")
        inner = Work(work.top / path, work.runner)
        source = _borrow(inner, work, tree, home, path, commit)
        if source is None:
            raise RunError(
                f"commit {commit} of the submodule {whole}, which {known.name} had, is not in this "
                "repository (any more)",
                hint=f"`git submodule update --init {whole}` brings it, or a fetch in {whole}",
            )
        inner.check_out(commit)
        now = commit
        if entry.get("dirty"):
            now = patched(
                inner, entry, commit, known.folder, f"the submodule {whole} of {known.name}"
            )
        yield Submodule(whole, commit)
        top = home.top / path if home.top else None
        below = replace(home, repository=source, inside="", top=top)
        yield from make(inner, now, below, known, f"{whole}/")


def _borrow(inner: Work, work: Work, tree: str, home: Home, path: str, commit: str) -> Path | None:
    """Link a submodule to the first place that has its commit; None where none has it."""
    for source in _sources(work, tree, home, path):
        inner.link(source)
        if inner.has(commit):
            return source
        shutil.rmtree(inner.top / ".git")
    return None


def _sources(work: Work, tree: str, home: Home, path: str) -> Iterator[Path]:
    """Folders that may have a submodule's objects."""
    yield home.repository
    if home.top is not None:
        place = home.top / path
        found = git.place(place) if place.is_dir() else None
        if found and os.path.realpath(found.top) == os.path.realpath(place):
            yield place
    base = home.repository.absolute()
    for module in _modules(work, tree, path):
        if is_git_folder(base):
            folder = base / "modules" / module
        else:
            asked = work.git("rev-parse", "--git-path", f"modules/{module}", cwd=base)
            folder = base / os.fsdecode(asked.rstrip(b"\n"))
        if is_git_folder(folder):
            yield folder


def _modules(work: Work, tree: str, path: str) -> Iterator[str]:
    """The names that .gitmodules gives what is at a path."""
    blob, pattern = f"{tree}:{_MODULES}", r"^submodule\..*\.path$"
    done = work.ask("config", "-z", "--blob", blob, "--get-regexp", pattern)
    for entry in done.stdout.split(b"\0") if done.status == 0 else []:
        key, _, value = os.fsdecode(entry).partition("\n")
        module = key.removeprefix("submodule.").removesuffix(".path")
        if value == path and ".." not in module.split("/") and not module.startswith("/"):
            yield module

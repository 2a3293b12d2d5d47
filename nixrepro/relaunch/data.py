"""Other files in place of pinned data: puts them into the store, and into the run's lock."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nixrepro import lock as locks
from nixrepro.errors import NixreproError
from nixrepro.lock import Artefact, Lock, store_name
from nixrepro.names import nearest
from nixrepro.nix import Nix
from nixrepro.repeat.integrity import sha256_of


def referred(
    lock: Lock, recorded: Iterable[Mapping[str, Any]], files: Mapping[str, str]
) -> dict[str, str]:
    """Of the files those that stand in for data by reference, which no lock has; as whole paths.

    Raises:
        NixreproError: what is named is not there.
    """
    pinned = {each.name for each in lock.artefacts if each.layer == "data"}
    known = {each.get("name") for each in recorded if each.get("pinned", True)} - pinned
    found = {name: os.path.abspath(path) for name, path in files.items() if name in known}
    for name, path in found.items():
        if not os.path.exists(path):
            raise NixreproError(f"--set data.{name}: there is no {path}", hint="name what is there")
    return found


def other_digests(
    old: Mapping[str, Any], new: Mapping[str, Any], names: Iterable[str]
) -> dict[str, list[Any]]:
    """What changed of data by reference, by the digests of two records."""
    then, now = (
        {each.get("name"): each.get("digest") for each in document["layers"]["data"]}
        for document in (old, new)
    )
    return {f"data.{n}": [then.get(n), now.get(n)] for n in names if then.get(n) != now.get(n)}


def exchanged(
    lock: Lock, files: Mapping[str, str], nix: Nix
) -> tuple[Lock, dict[str, list[str]], tuple[Artefact, ...]]:
    """A lock with other files as some of its data, which are in the store then.

    Args:
        lock: the run's.
        files: paths, by the name of the data that each stands in for.
        nix: its store takes them.

    Returns:
        The lock, what changed (SHA-256 before and after, by key), and the new data.

    Raises:
        NixreproError: there is no such data, or no such file.
    """
    pinned = {each.name: each for each in lock.artefacts if each.layer == "data"}
    changed: dict[str, list[str]] = {}
    made: dict[str, Artefact] = {}
    for name, given in files.items():
        if name not in pinned:
            near = nearest(name, pinned)
            known = (
                f"did you mean data.{near}?" if near else f"it has {', '.join(pinned) or 'none'}"
            )
            raise NixreproError(f"--set data.{name}: the run had no such pinned data", hint=known)
        if pinned[name].kind != "file":
            raise NixreproError(
                f"--set data.{name}: it is a folder in the store, and only a file can stand in",
                hint=f"`nixrepro data add {name} FOLDER` in the project, and a run of it",
            )
        path = Path(os.path.realpath(given))
        sha256 = sha256_of(path)
        if sha256 is None:
            raise NixreproError(
                f"--set data.{name}: {given} is no file", hint="pinned data is one file"
            )
        if sha256 != pinned[name].sha256:
            changed[f"data.{name}"] = [pinned[name].sha256, sha256]
            made[name] = replace(pinned[name], sha256=sha256, size=path.stat().st_size, path="")
            _add(path, made[name], nix)
    return _with(lock, made), changed, tuple(made.values())


def _with(lock: Lock, made: Mapping[str, Artefact]) -> Lock:
    asked = dict(lock.question)
    data = {name: dict(entry) for name, entry in asked.get("data", {}).items()}
    for name, artefact in made.items():
        data[name] = {**data.get(name, {}), "sha256": artefact.sha256}
        for key in ("size", "path"):
            data[name].pop(key, None)
    artefacts = [made.get(a.name, a) if a.layer == "data" else a for a in lock.artefacts]
    question = {**asked, "data": data} if data else asked
    return replace(lock, question=question, artefacts=tuple(sorted(artefacts, key=locks.order)))


def _add(path: Path, artefact: Artefact, nix: Nix) -> None:
    """Put a file into the store under the name that the program knows it by."""
    name = store_name(artefact.file)
    target = nix.store_path(name, artefact.sha256)
    if nix.valid([target]):
        return
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as scratch:
        file = Path(scratch) / name
        try:
            os.link(path, file)
        except OSError:
            shutil.copyfile(path, file)
        added = nix.add_fixed([file])
    if added != [target]:
        nix.delete(added[0])
        raise NixreproError(f"{path} was changed meanwhile", hint="run the same command again")

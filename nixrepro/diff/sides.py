"""Finds what a person means: a run, a lock, a git revision, a store path or an environment."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro import record as records
from nixrepro.closure import Closure
from nixrepro.diff import known, revisions
from nixrepro.diff.model import Side
from nixrepro.errors import NixreproError, RunError
from nixrepro.nix import Nix
from nixrepro.runtime.folder import NAME, RECORD, RUNS

_STORE = "/nix/store/"
_HASHED = re.compile(r"/nix/store/[0-9a-df-np-sv-z]{32}-.")
_COPY = "realise or copy it there first"
_FLAKE_LOCK = "flake.lock"
_RUNS = "give a run: `last`, the start of its id, its folder or record.json; see `nixrepro runs`"
_WAYS = (
    "give a run (`last`, or the start of its id), a lock file, a git revision with a colon "
    "(HEAD~3:), a store path, or the folder of a project"
)


def find(root: Path, text: str, nix: Nix | None = None, *, runs: bool = False) -> Side:
    """The one thing that a text means.

    Args:
        root: the project's folder.
        text: a run (`last`, the start of its id, its folder or record.json), a lock file, a git
            revision with a colon, a store path, or a project's folder.
        nix: the Nix that knows the store.
        runs: whether who asks can do something with runs only, and is told of nothing else.

    Raises:
        NixreproError: it means nothing, or two things; or what it means can't be read.
    """
    path = Path(text)
    plain = "/" not in text
    readings = []
    if plain and _is_run(root, text):
        readings.append("a run")
    if text and os.path.lexists(text) and path.exists():
        readings.append("a file or folder")
    if ":" in text and (plain or not path.exists()) and revisions.commit(root, text):
        readings.append("a git revision")
    if len(readings) > 1:
        raise NixreproError(
            f"{text!r} is {' and '.join(readings)}",
            hint=f"for the file or folder write ./{text}; for a run give more digits",
        )
    match readings:
        case ["a run"]:
            return known.of_record(records.load(root, text))
        case ["a git revision"]:
            return revisions.side(root, text)
        case ["a file or folder"]:
            return _at(path, text, nix or Nix())
    if text.startswith(_STORE):
        raise NixreproError(f"{text} is not in the store", hint=_COPY)
    # A path has no colon behind it, so it can't be taken for one.
    revision = ":" not in text and revisions.commit(root, text)
    hint = f"for the git revision write {text}:" if revision else _WAYS
    kinds = "no run, file or revision"
    if runs:
        kinds, hint = "no run", _RUNS
    raise NixreproError(f"nothing is called {text!r} here: {kinds}", hint=hint)


def _is_run(root: Path, text: str) -> bool:
    if text == records.LAST:
        return True
    prefix = text.lower()[:NAME]
    return (
        bool(prefix)
        and set(prefix) <= set("0123456789abcdef")
        and any((root / RUNS).glob(f"{prefix}*/{RECORD}"))
    )


def _at(path: Path, text: str, nix: Nix) -> Side:
    real = str(path.resolve())
    if path.is_dir() and (path / RECORD).is_file():
        path = path / RECORD
    if path.name == RECORD and path.is_file():
        return known.of_record(_recorded(path))
    if real.startswith(_STORE):
        return _stored(real, nix)
    if path.is_file() and (path.suffix == ".json" or _begins(path, b"{")):  # no lock does
        return known.of_record(_recorded(path))
    if path.is_dir():
        return _project(path, text)
    return replace(lock_at(path), name=text)


def _recorded(path: Path) -> records.Record:
    folder = path.resolve().parent
    try:
        # By its project, which says whether a run that is not recorded to its end still goes on.
        if path.name == RECORD and folder.parent.parts[-2:] == Path(RUNS).parts:
            with suppress(records.NoSuchRun):  # a copy under another name
                return records.load(folder.parents[2], folder.name)
        return records.Record(folder, records.read(path))
    except RunError as error:
        raise RunError(error.message, hint="restore it from where it was recorded") from error


def _begins(path: Path, word: bytes) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(512).lstrip().startswith(word)
    except OSError:
        return False


def lock_at(path: Path) -> Side:
    """The side of a lock file; with the flake.lock beside it, where there is one.

    Raises:
        LockError: it is no lock.
    """
    beside = path.parent / _FLAKE_LOCK
    pins = (
        known.inputs(beside.read_text(encoding="utf-8", errors="replace"))
        if beside.is_file()
        else ()
    )
    return known.of_lock(locks.load(path), str(path), pins)


def _stored(path: str, nix: Nix) -> Side:
    from nixrepro.nix_store import Store

    top = "/".join(path.split("/")[:4])
    if Path(path).is_file() and path.endswith(".json"):
        try:
            document = json.loads(Path(path).read_bytes())
        except ValueError:
            document = None
        if isinstance(document, dict) and "closure" in document:
            return known.of_facts(document, path)
    store = Store.of(nix)
    if not _HASHED.match(top) or not store.valid([top]):
        raise NixreproError(f"{top} is not in the store: Nix does not know it", hint=_COPY)
    found = store.registered(store.requisites([top]))
    return known.of_closure(Closure(tuple(each.item for each in found)), top)


def _project(folder: Path, text: str) -> Side:
    """A project's environment: as it was realised, or else as its lock says."""
    from nixrepro.realise import remembered

    if not (folder / locks.FILE).is_file():
        raise NixreproError(f"{text} is no project: it has no {locks.FILE}", hint=_WAYS)
    environment = remembered(folder.resolve())
    if environment:
        document = json.loads(Path(environment.facts).read_bytes())
        side = known.of_facts(document, text)
    else:
        side = replace(lock_at(folder / locks.FILE), name=text, kind="environment")
        gaps = {"store": "it is not realised as it is now"}
        gaps.update(dict.fromkeys(("hardware", "code", "settings"), known.ABOUT_ENVIRONMENT))
        side = replace(side, unknown=gaps)
    unknown = {key: reason for key, reason in side.unknown.items() if key != "settings"}
    for key in ("folder", "passed"):
        unknown[f"settings.{key}"] = "only a run knows it"
    settings = known.settings_of(configs.load(folder.resolve()))
    return replace(side, facts={"settings": settings}, unknown=unknown)

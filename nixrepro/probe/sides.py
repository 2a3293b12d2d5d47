"""Finds the probe that a person means: a run's, a file's, or that of the environment here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro import process, record_place
from nixrepro.errors import NixreproError, RunError
from nixrepro.memory import Environment
from nixrepro.run import without

_MODULE = "nixrepro_runtime.probe"


@dataclass(frozen=True)
class Side:
    """A probe, and what it is of, in a person's words."""

    about: str
    probe: Mapping[str, Any]


def find(folder: Path, text: str) -> Side:
    """The probe of a run (`last`, the start of its id, its folder), or in a JSON file.

    Args:
        folder: where the project of a run is looked for, there or above.
        text: what was typed; with a slash or a dot in it, it is a file or folder.

    Raises:
        NixreproError: it means neither, or can't be read.
    """
    path = Path(text)
    if record_place.is_run(text) or (text and path.is_dir()):
        document = record_place.load(lambda: configs.find_root(folder), text).document
        return Side(f"run {document['id'][:12]}", _of(document))
    if text == "-":
        hint = "write it to a file first: `nixrepro probe --json > here.json`"
        raise NixreproError("a probe is not read from standard input", hint=hint)
    if path.name == locks.FILE:
        hint = "`nixrepro probe` without words takes that of a lock's environment, on this machine"
        raise NixreproError(f"{path} is a lock, and a lock has no probe", hint=hint)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        hint = "give a run (`last`, or the start of its id) or a file of `nixrepro probe --json`"
        raise NixreproError(f"there is no run and no file {text!r}", hint=hint) from None
    except (OSError, ValueError) as error:
        raise NixreproError(f"{path} can't be read as JSON: {error}") from error
    found = _of(document) if isinstance(document, dict) and "layers" in document else document
    if not _is_probe(found):
        raise NixreproError(f"{path} holds no probe", hint="`nixrepro probe --json` writes one")
    return Side(str(path), found)


def _is_probe(found: object) -> bool:
    """Whether a file holds what a record's `probe` may be."""
    match found:
        case {"unknown": str()}:
            return True
        case {"digest": str(), "functions": dict(functions)}:
            return all(map(_is_function, functions.values()))
    return False


def _is_function(said: object) -> bool:
    match said:
        case {"unknown": str()}:
            return True
        case {"digest": str(), **more}:
            kernels = more.get("by", [])
            return isinstance(more.get("ulp", 0), int | float) and isinstance(kernels, list)
    return False


def _of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = document.get("probe")
    return found if isinstance(found, dict) else {"unknown": "its record has no probe"}


def here(
    root: Path, environment: Environment, *, again: bool, runner: process.Runner = process.run
) -> Side:
    """The probe of a project's environment on this machine: the kept one, else taken now.

    Args:
        root: the project's folder, where it is kept.
        environment: what to probe.
        again: take it even where one is kept.
        runner: starts programs.

    Raises:
        RunError: it can't be asked for.
    """
    argv = [f"{environment.path}/bin/python", "-I", "-m", _MODULE]
    argv += ["--environment", environment.facts, "--settings", environment.settings]
    argv += ["--project", os.fspath(root), *(["--again"] if again else [])]
    done = runner(argv, env=without(os.environ), show=True)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise RunError(f"the probe ended with status {done.status} and gave no answer") from None
    return Side(f"environment {environment.path}", found)

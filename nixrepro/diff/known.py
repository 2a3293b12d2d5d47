"""What records, locks, configurations and an environment's facts know, as sides."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nixrepro.closure import Closure, of_document
from nixrepro.config import Config
from nixrepro.diff.model import ARTEFACTS, INPUT, LAYERS, Code, Package, Side, Unknown
from nixrepro.diff.names import flat
from nixrepro.errors import NixreproError, RunError
from nixrepro.lock import Lock
from nixrepro.record import Record
from nixrepro.runtime.folder import RECORD
from nixrepro.runtime.wording import headline

_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ABOUT_LOCK = "a lock says nothing of it"
_ABOUT_PATH = "a store path says nothing of it"
ABOUT_ENVIRONMENT = "it is a run's, and this is an environment"


def of_record(record: Record) -> Side:
    """A run's side.

    Raises:
        RunError: its record is not of the shape that docs/record.md describes.
    """
    try:
        return _of_record(record)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise RunError(
            f"{record.folder / RECORD} can't be compared: {what}",
            hint="restore it, or remove its folder",
        ) from error


def _of_record(record: Record) -> Side:
    document = record.document
    layers = document["layers"]
    closure = _closure(document)
    unknown = {} if closure else {"store": "its record holds no closure that can be read"}
    facts: dict[str, Mapping[str, Any]] = {}
    for layer in ("hardware", "settings"):
        if isinstance(layers.get(layer), dict):
            facts[layer] = flat(layers[layer])
        else:
            unknown[layer] = "its record doesn't hold it"
    settings = dict(facts.get("settings", {}))
    if isinstance(settings.get("command"), tuple):
        facts["settings"] = {**settings, "command": shlex.join(settings["command"])}
    code = _code(layers.get("code", {}), record.folder)
    if code is None:
        unknown["code"] = str(layers.get("code", {}).get("unknown", "its record doesn't hold it"))
    return Side(
        name=f"run {document['id'][:12]}",
        kind="run",
        packages=_layers(layers, closure),
        facts=facts,
        code=code,
        unknown=unknown,
        closure=closure,
        record=record,
        about=f"{document['started'][:19].replace('T', ' ')}, {headline(document)}"
        + _made_of(document),
    )


def _made_of(document: Mapping[str, Any]) -> str:
    """The run that it was made of, as the end of a sentence."""
    for key in ("relaunches", "repeats"):
        if isinstance(document.get(key), str):
            return f", {key} {document[key][:12]}"
    return ""


def of_lock(lock: Lock, name: str, inputs: tuple[Package, ...] = ()) -> Side:
    """A lock's side, with what flake.lock pins where that is known."""
    packages: dict[str, tuple[Package, ...]] = {layer: () for layer in ARTEFACTS}
    for each in lock.artefacts:
        found = Package(each.name, each.version, each.role, each.sha256)
        packages[each.layer] = (*packages[each.layer], found)
    packages["system"] += inputs
    nothing = {layer: _ABOUT_LOCK for layer in LAYERS if layer not in ARTEFACTS}
    return Side(name, "lock", packages, unknown=nothing, roles=True)


def of_facts(document: Mapping[str, Any], name: str) -> Side:
    """The side of an environment, from the JSON file of its facts.

    Raises:
        NixreproError: it is no such file.
    """
    try:
        closure = of_document(document)
        packages = _layers(document["layers"], closure)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        hint = "give the folder of a project, or the store path of an environment's facts"
        raise NixreproError(f"{name} holds no facts of an environment", hint=hint) from error
    nothing = {layer: ABOUT_ENVIRONMENT for layer in LAYERS if layer not in ARTEFACTS}
    return Side(name, "environment", packages, unknown=nothing, closure=closure)


def of_closure(closure: Closure, name: str) -> Side:
    """The side of a plain store path: all that it reaches."""
    return Side(name, "path", unknown=dict.fromkeys(LAYERS, _ABOUT_PATH), closure=closure)


def settings_of(config: Config) -> dict[str, Any]:
    """The settings of a project's training, by the keys of a record."""
    settings = config.settings
    return {
        "command": shlex.join(config.train.command),
        "seed": settings.seed,
        "deterministic": settings.deterministic,
        **{f"variables.{key}": value for key, value in settings.variables},
    }


def inputs(text: str) -> tuple[Package, ...]:
    """What a flake.lock pins; nothing where that can't be read."""
    try:
        nodes = json.loads(text)["nodes"]
        pinned = ((name, node["locked"]) for name, node in nodes.items() if "locked" in node)
        return tuple(
            Package(name, str(locked.get("rev", ""))[:12], INPUT, str(locked.get("narHash", "")))
            for name, locked in pinned
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _layers(layers: Mapping[str, Any], closure: Closure | None) -> dict[str, tuple[Package, ...]]:
    hashes = {item.path: item.nar_hash for item in closure.paths} if closure else {}
    return {
        layer: tuple(_package(entry, hashes) for entry in layers[layer] if not _of_stages(entry))
        for layer in ARTEFACTS
        if isinstance(layers.get(layer), list)
    }


def _of_stages(entry: Mapping[str, Any]) -> bool:
    """Whether an entry says what DVC's stages read and wrote when they ran last: code does too."""
    return entry.get("kind") == "dvc" and str(entry.get("dvc", "")).endswith("dvc.lock")


def _package(entry: Mapping[str, Any], hashes: Mapping[str, str]) -> Package:
    path, sha256 = entry.get("path", ""), entry.get("sha256", "")
    if entry.get("kind") == "dvc":  # by MD5 alone
        sha256 = str(entry.get("digest", "")).partition(":")[2]
    return Package(
        name=str(entry["name"]),
        version=str(entry.get("version", "")),
        sha256=sha256 if isinstance(sha256, str) else "",
        nar_hash=hashes.get(path, ""),
        path=path,
    )


def _closure(document: Mapping[str, Any]) -> Closure | None:
    try:
        return of_document(document)
    except ValueError:
        return None


def _code(facts: Any, folder: Path) -> Code | None:
    if not isinstance(facts, dict) or "commit" not in facts:
        return None
    patch = facts.get("patch") or {}
    return Code(
        commit=_object(facts["commit"]),
        tree=_object(facts["tree"]),
        patch=str(folder / patch["file"]) if "file" in patch else "",
        large={
            **{each["path"]: _value(each["sha256"]) for each in facts.get("large", [])},
            **{path: "a pointer of Git LFS" for path in facts.get("lfs", [])},
            **{path: what for each in facts.get("submodules", []) for path, what in _other(each)},
        },
        names=tuple(
            str(facts[name]) for name in ("describe", "remote") if isinstance(facts.get(name), str)
        ),
    )


def _other(entry: Mapping[str, Any]) -> Iterator[tuple[str, str | Unknown]]:
    """What is in a submodule's folder where that is not its commit, which the tree names."""
    if entry.get("missing"):
        yield entry["path"], "not there"
    elif "tree" in entry:
        tree = _value(entry["tree"])
        yield entry["path"], tree if isinstance(tree, Unknown) else f"{tree[:12]}, not committed"


def _object(value: Any) -> str | Unknown:
    """The name of a commit or tree, which can be no option to git."""
    found = _value(value)
    if isinstance(found, str) and not _NAME.fullmatch(found):
        raise ValueError(f"{found[:80]!r} is no name of a commit or tree")
    return found


def _value(value: Any) -> str | Unknown:
    return Unknown(str(value.get("unknown"))) if isinstance(value, dict) else str(value)

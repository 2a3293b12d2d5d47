"""Builds the record of a run: first when it starts, then again when it has ended."""

from __future__ import annotations

import os
import time

from . import numerics
from .canonical import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FORMAT = 1
LAYERS = ("hardware", "system", "accelerator", "wheels", "data", "code", "settings")


def now() -> str:
    """The time as UTC text with microseconds."""
    moment = time.time_ns() // 1000
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1_000_000))
    return f"{whole}.{moment % 1_000_000:06d}Z"


def process() -> dict[str, Any]:
    """What says later whether this very process lives: pid, its start in clock ticks, the boot."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as stream:
        started = stream.read().rsplit(")", 1)[1].split()[19]
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            boot = stream.read().strip()
    except OSError:
        boot = ""  # a sandbox may hide it; then nobody can look for the process either
    return {"pid": os.getpid(), "start": int(started), "boot": boot}


def begin(
    *,
    environment: dict[str, Any],
    settings: dict[str, Any],
    command: list[str],
    code: dict[str, Any],
    hardware: dict[str, Any],
    passed: dict[str, str],
    folder: str,
    data: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """The record of a run that starts now.

    Args:
        environment: the environment's file as it was read.
        settings: the settings' file as it was read.
        command: the program and its arguments.
        code: the code layer.
        hardware: the hardware layer.
        passed: host variables that pass, with digests.
        folder: the folder it runs in, relative to the project.
        data: what was found of data by reference.
    """
    layers = dict(environment["layers"])
    layers["hardware"] = hardware
    layers["code"] = code
    layers["data"] = [{**entry, "pinned": True} for entry in layers.get("data", [])] + (data or [])
    layers["settings"] = {
        "command": command,
        "folder": folder,
        "seed": settings.get("seed"),
        "deterministic": settings.get("deterministic", True),
        "variables": settings.get("variables", {}),
        "passed": passed,
    }
    if stated := numerics.recorded(settings):
        layers["settings"]["numerics"] = stated
    root = {
        **environment["identity"],
        "system": environment.get("system", ""),
        "lock": environment.get("lock", ""),
    }
    experiment = digest(what_counts(root, layers))
    own = process()
    started = now()
    identity = {
        "format": FORMAT,
        "experiment": experiment,
        "environment": root,
        "started": started,
        "process": own,
    }
    return {
        "format": FORMAT,
        "id": digest(identity),
        "identity": identity,
        "experiment": experiment,
        "status": "running",
        "started": started,
        "process": own,
        "exit": {"status": None, "signal": None, "reason": ""},
        "timings": {},
        "environment": root,
        "layers": {name: layers.get(name, []) for name in LAYERS},
        "closure": environment["closure"],
        "result": {},
        "fingerprint": {},
        "probe": {"unknown": "it is taken when the program has ended"},
    }


def what_counts(root: dict[str, Any], layers: dict[str, Any]) -> dict[str, Any]:
    """What makes two runs the same experiment, wherever and whenever they run.

    Of the data only what is pinned counts, by the digest that was found. The commit is left out:
    its tree, with what was not committed, is the code.
    """
    code = layers["code"]
    large = sorted((entry["path"], str(entry["sha256"])) for entry in code.get("large", []))
    # What the tree does not say of its content; absent where it says it all.
    more = {"submodules": sorted(_unsaid(code.get("submodules", []))), "lfs": code.get("lfs", [])}
    return {
        "environment": root["digest"],
        "data": sorted(
            (entry["name"], entry["digest"] if entry.get("kind") == "dvc" else entry["sha256"])
            for entry in layers["data"]
            if entry.get("pinned", True)
        ),
        "code": {
            "tree": code.get("tree", code),
            "large": large,
            **{key: value for key, value in more.items() if value},
        },
        "settings": layers["settings"],
    }


def _unsaid(submodules: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Submodules that are not at their commit's own tree, each with what there is instead."""
    for entry in submodules:
        if entry.get("missing"):
            yield entry["path"], "missing"
        elif "tree" in entry:
            yield entry["path"], str(entry["tree"])


def unpinned(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Data that a program took from the network in this run."""
    return [entry for entry in result.get("data", []) if not entry["pinned"]]


def end(
    record: dict[str, Any],
    *,
    status: str,
    exit_facts: dict[str, Any],
    timings: dict[str, Any],
    result: dict[str, Any],
    fingerprint: dict[str, Any],
    files: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The same record when the program has ended.

    Args:
        record: what `begin` gave.
        status: done, failed, killed or interrupted.
        exit_facts: status, signal and reason.
        timings: seconds and bytes.
        result: what the program computed and said.
        fingerprint: digests of it.
        files: what lies beside the record.
    """
    layers = dict(record["layers"])
    layers["data"] = [*layers["data"], *unpinned(result)]
    return {
        **record,
        "status": status,
        "finished": now(),
        "exit": exit_facts,
        "timings": timings,
        "layers": layers,
        "result": {key: value for key, value in result.items() if value},
        "fingerprint": fingerprint,
        "files": files or {},
    }

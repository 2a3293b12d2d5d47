"""The folder of one run's record, and the index that lists all of them fast."""

from __future__ import annotations

import json
import os

from . import STATE
from .canonical import json_bytes, write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RUNS = os.path.join(STATE, "runs")
RECORD = "record.json"
LOG = "log.txt"
INDEX = "index.jsonl"
NAME = 16
# Held from the start, so that a program that fills the disk can't take the place of its own record.
RESERVE = "reserve"
RESERVED = 1 << 20


def opened(project: str) -> dict[str, str]:
    """Where a project's locks can be read as they are now, whatever takes their place later."""
    found = {}
    for name in ("nixrepro.lock", "flake.lock"):
        try:
            handle = os.open(os.path.join(project, name), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        found[name] = f"/proc/self/fd/{handle}"
    return found


class Folder:
    """One run's folder, named by the first 16 digits of its id."""

    def __init__(self, project: str, run: str) -> None:
        """Make it.

        Args:
            project: the project's folder.
            run: the id, 64 hex digits.

        Raises:
            OSError: the project can't be written, or the disk is full.
        """
        self.runs = os.path.join(project, RUNS)
        self.path = os.path.join(self.runs, run[:NAME])
        os.makedirs(self.path)
        handle = os.open(self.file(RESERVE), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, RESERVED)
        finally:
            os.close(handle)

    def file(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self.path, name)

    def save(self, record: dict[str, Any], *, final: bool = False) -> None:
        """Write the record and then its line of the index.

        Args:
            record: the whole record.
            final: give the reserved place back and wait until the disk has it.

        Raises:
            OSError: it can't be written.
        """
        if final and os.path.exists(self.file(RESERVE)):
            os.unlink(self.file(RESERVE))
        write_atomic(self.file(RECORD), json_bytes(record), durable=final)
        enter(self.runs, record)


def enter(runs: str, record: dict[str, Any]) -> None:
    """Write a record's line of the index in a folder of runs.

    Raises:
        OSError: it can't be written.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    handle = os.open(os.path.join(runs, INDEX), flags, 0o666)
    try:
        # Begins with a line break too: half a line left by a full disk then spoils no other.
        os.write(handle, b"\n" + json_bytes(summary(record)))
    finally:
        os.close(handle)


def summary(record: dict[str, Any]) -> dict[str, Any]:
    """What a listing shows of a record."""
    found = {
        "id": record["id"],
        "started": record["started"],
        "status": record["status"],
        "command": record["layers"]["settings"]["command"],
        "experiment": record["experiment"],
        "environment": record["environment"]["digest"],
        "wall": record["timings"].get("wall"),
        "metrics": record["result"].get("final", {}),
        "weights": record["fingerprint"].get("weights"),
    }
    found.update({key: record[key] for key in ("repeats", "relaunches") if record.get(key)})
    if record["status"] == "running":
        found["process"] = record["process"]
    return found


def events(path: str) -> list[dict[str, Any]]:
    """The whole lines of an events file; none when there is no such file."""
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue  # half a line: the process was killed, or the disk full
    except FileNotFoundError:
        pass
    return found


def lying(name: str, path: str) -> dict[str, Any]:
    """What a record says of a file that lies beside it, by a name; nothing where there is none."""
    try:
        with open(path, "rb") as stream:
            data = stream.read()
    except OSError:
        return {}
    import hashlib

    sha256 = hashlib.sha256(data).hexdigest()
    return {name: {"file": os.path.basename(path), "size": len(data), "sha256": sha256}}

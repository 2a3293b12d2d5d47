"""The records of a project's runs: lists them, finds one by the start of its id, reads it."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro.errors import Exit, RunError
from nixrepro.runtime.folder import INDEX, NAME, RECORD, RUNS, events, summary

FORMAT = 1
LAST = "last"
_HEX = frozenset("0123456789abcdef")
_TEXTS = ("id", "started", "status", "experiment")
_TABLES = ("process", "exit", "timings", "environment", "layers", "result", "fingerprint")
# Seconds after which no writer of a record can still be at it, not on another machine either.
_STALE = 3600
_NEEDED = {"id", "started", "status", "command", "experiment", "environment"}


class NoSuchRun(RunError):
    """No run is meant, or several are: what a person typed is wrong, no record is."""

    code = Exit.USAGE


@dataclass(frozen=True)
class Summary:
    """One line of a listing.

    Args:
        id: 64 hex digits.
        started: UTC, ISO 8601.
        status: running, done, failed, killed or interrupted.
        command: the program and its arguments.
        experiment: digest of what two equal runs share, whenever and wherever they ran.
        environment: digest of the environment's closure.
        metrics: the last value of each metric.
        weights: digest of the final weights, or an empty text where there is none.
        wall: seconds, or None while it runs.
        repeats: id of the run that it repeats, or an empty text.
        relaunches: id of the run that was launched again as this one, or an empty text.
    """

    id: str
    started: str
    status: str
    command: tuple[str, ...]
    experiment: str
    environment: str
    metrics: dict[str, Any]
    weights: str
    wall: float | None
    repeats: str = ""
    relaunches: str = ""


@dataclass(frozen=True)
class Record:
    """One run's folder and its whole record, as docs/record.md describes it."""

    folder: Path
    document: dict[str, Any]


def runs(root: Path) -> list[Summary]:
    """All runs of a project, newest first; from the index, and for what it lacks from the records.

    Raises:
        RunError: a folder can't be read.
    """
    folder = root / RUNS
    names = set(_names(folder))
    found = {name: entry for name, entry in _indexed(folder).items() if name in names}
    for name in names - found.keys():
        entry = _summary(folder / name)
        if entry is not None:
            found[name] = entry
    for name, entry in found.items():
        if entry["status"] == "running" and not alive(entry.get("process", {})):
            # Its last line of the index may be missing; its record then says how it ended.
            found[name] = _settled(folder / name, entry)
    return sorted(
        map(_line, found.values()), key=lambda line: (line.started, line.id), reverse=True
    )


def load(root: Path, prefix: str = LAST) -> Record:
    """One run's record, by the start of its id or as the `last` one.

    Raises:
        NoSuchRun: no run or several runs are meant.
        RunError: the record is broken or of a later version.
    """
    folder = find(root, prefix)
    document = read(folder / RECORD)
    if document["status"] == "running" and not alive(document["process"]):
        _clear(folder)
        document = {**document, "status": "interrupted", **_so_far(folder)}
    return Record(folder, document)


def find(root: Path, prefix: str = LAST) -> Path:
    """The folder of one run, by the start of its id or as the `last` one.

    Raises:
        NoSuchRun: no run or several runs are meant.
        RunError: a record that had to be read for that is broken.
    """
    folder = root / RUNS
    return folder / (_last(root) if prefix == LAST else _find(folder, prefix.lower()))


def read(path: Path) -> dict[str, Any]:
    """A record file.

    Raises:
        RunError: it is missing, broken, or of a later version.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path} is missing", hint="the run ended before it was recorded") from None
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise RunError(f"{path} is no record: {error}", hint="restore it, or remove it") from error
    if not isinstance(document, dict) or not isinstance(document.get("format"), int):
        raise RunError(f"{path} is no record of nixrepro", hint="restore it, or remove its folder")
    if document["format"] > FORMAT:
        raise RunError(
            f"{path} was written by a later nixrepro (format {document['format']})",
            hint="update nixrepro to read it",
        )
    if lacking := _lacking(document):
        raise RunError(f"{path} lacks {lacking}", hint="restore it, or remove its folder")
    return document


def _lacking(document: dict[str, Any]) -> str:
    for names, kind in ((_TEXTS, str), (_TABLES, dict), (("closure",), list)):
        for name in names:
            if not isinstance(document.get(name), kind):
                return name
    for table, name in (("layers", "settings"), ("environment", "digest")):
        if name not in document[table]:
            return f"{table}.{name}"
    settings = document["layers"]["settings"]
    command = settings.get("command") if isinstance(settings, dict) else None
    return "" if isinstance(command, list) else "layers.settings.command"


def alive(process: dict[str, Any]) -> bool:
    """Whether the very process that made a record still runs; False after a reboot or a kill."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            if stream.read().strip() != process["boot"]:
                return False
        with open(
            f"/proc/{int(process['pid'])}/stat", encoding="utf-8", errors="replace"
        ) as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
    except (OSError, KeyError, ValueError):
        return False
    return fields[0] not in "ZX" and int(fields[19]) == process["start"]


def _names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(entry.name) == NAME and _HEX.issuperset(entry.name):
                    yield entry.name
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"{folder} can't be read: {error.strerror}") from error


def _indexed(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    try:
        data = (folder / INDEX).read_bytes()
    except OSError:
        return found
    text = data.decode("utf-8", "replace")
    lines = [line for line in text.split("\n") if line]
    try:
        # All at once takes half the time of line by line.
        entries = json.loads(f"[{','.join(lines)}]")
    except ValueError:
        entries = list(_whole(lines))
    for entry in entries:
        if isinstance(entry, dict) and entry.keys() >= _NEEDED:
            found[entry["id"][:NAME]] = entry
    return found


def _whole(lines: list[str]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            continue  # half a line: the disk was full


def _summary(folder: Path) -> dict[str, Any] | None:
    try:
        return summary(read(folder / RECORD))
    except (RunError, KeyError, TypeError):
        return None


def _clear(folder: Path) -> None:
    """Remove what a supervisor that was killed while it wrote its record has left of it."""
    for part in folder.glob("*.new"):
        if part.name.startswith(("record.json.", "code.patch.")):
            with contextlib.suppress(OSError):
                if part.stat().st_mtime < time.time() - _STALE:
                    part.unlink()


def _settled(folder: Path, entry: dict[str, Any]) -> dict[str, Any]:
    _clear(folder)
    now = _summary(folder) or entry
    return now if now["status"] != "running" else {**now, "status": "interrupted"}


def _line(entry: dict[str, Any]) -> Summary:
    weights = entry.get("weights")
    return Summary(
        id=entry["id"],
        started=entry["started"],
        status=entry["status"],
        command=tuple(entry["command"]),
        experiment=entry["experiment"],
        environment=entry["environment"],
        metrics=entry.get("metrics") or {},
        weights=weights if isinstance(weights, str) else "",
        wall=entry.get("wall"),
        repeats=str(entry.get("repeats", "")),
        relaunches=str(entry.get("relaunches", "")),
    )


def _last(root: Path) -> str:
    listed = runs(root)
    if not listed:
        raise NoSuchRun(f"nothing ran yet in {root}", hint="run `nixrepro train`")
    return listed[0].id[:NAME]


def _find(folder: Path, prefix: str) -> str:
    names = [name for name in _names(folder) if name.startswith(prefix[:NAME])]
    if len(prefix) > NAME:
        names = [name for name in names if read(folder / name / RECORD)["id"].startswith(prefix)]
    if not names or not prefix:
        raise NoSuchRun(f"no run begins with {prefix!r}", hint="`nixrepro runs` lists all of them")
    if len(names) > 1:
        some = ", ".join(name[:12] for name in sorted(names)[:5])
        raise NoSuchRun(f"{len(names)} runs begin with {prefix!r}: {some}", hint="give more digits")
    return names[0]


def _so_far(folder: Path) -> dict[str, Any]:
    from nixrepro.runtime import result
    from nixrepro.runtime.events import FILE

    said = events(str(folder / FILE))
    gathered = {key: value for key, value in result.gather(said).items() if value}
    trackers = result.trackers(said)
    return {"result": gathered, **({"trackers": trackers} if trackers else {})}

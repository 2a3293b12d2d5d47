"""Reads Pipfile.lock, and what the Pipfile beside it asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nixrepro import names
from nixrepro.imports import wanted
from nixrepro.imports.folders import Folders
from nixrepro.imports.model import Imported, Left, Pin, fail, joined, text_of
from nixrepro.imports.requirements import root_of
from nixrepro.imports.tables import check_marker, check_requirement, root, sha256
from nixrepro.names import normalise
from nixrepro.toml_lines import line_of
from nixrepro.urls import is_remote, public

FORMAT = "Pipfile.lock"
_KNOWN = 6
_BESIDE = "Pipfile"


def read(path: Path, file: str) -> Imported:
    """Read a Pipfile.lock, and the Pipfile in its folder.

    Raises:
        ImportFileError: one of them is malformed; with file, line and reason.
    """
    beside = path.with_name(_BESIDE)
    asked = text_of(beside, _BESIDE) if beside.is_file() else None
    return parse(text_of(path, file), file, Folders(root_of(path, file), path.parent), asked)


def parse(text: str, file: str, folders: Folders, asked: str | None = None) -> Imported:
    """The same of texts; `asked` is the Pipfile, None where there is none."""
    lock = _Lock(text, file, folders)
    default, left = lock.section("default")
    develop, more = lock.section("develop")
    if asked is not None:
        requirements, unsaid = _wanted(asked)
    else:
        reason = f"no {_BESIDE} beside it says what is wanted: all of its `default` is"
        requirements, unsaid = tuple(map(_exact, default)), (Left(0, file, reason),)
    return Imported(
        file=file,
        format=FORMAT,
        requirements=tuple(dict.fromkeys((*requirements, *folders.requirements))),
        pins=joined((*default, *develop)),
        python=lock.python(),
        folders=tuple(folders.code),
        local=tuple(folders.names),
        files=(*(() if asked is None else (_BESIDE,)), *folders.files),
        left=(*left, *more, *folders.left, *unsaid),
    )


class _Lock:
    """The document, with the line of what is wrong."""

    def __init__(self, text: str, file: str, folders: Folders) -> None:
        self._text, self._file, self._folders = text, file, folders
        try:
            self._root = json.loads(text)
        except json.JSONDecodeError as error:
            fail(file, error.lineno, f"is not JSON: {error.msg}", "correct that line")
        except RecursionError:
            fail(file, 0, "is nested too deeply to be read")
        self._meta = self._table(self._root, "_meta", 0)
        version = self._meta.get("pipfile-spec", _KNOWN)
        if version != _KNOWN:
            fail(file, self._line("pipfile-spec", 0), f"is of a form not known here: {version!r}")

    def python(self) -> str:
        """The Python asked for."""
        asked = self._table(self._meta, "requires", 0)
        return str(asked.get("python_full_version") or asked.get("python_version") or "")

    def section(self, name: str) -> tuple[list[Pin], list[Left]]:
        """The pins of `default` or `develop`, and what could not be read."""
        pins, left = [], []
        section = self._table(self._root, name, 0)
        start = self._line(name, 0)
        for spelled in section:
            line = self._line(spelled, start)
            entry = self._table(section, spelled, line)
            if entry.get("version") == "*":
                reason = "pipenv left it open: its marker does not hold where it was locked"
                left.append(Left(line, spelled, reason))
            elif entry.get("path"):
                asked = name == "default"
                self._folders.take(normalise(spelled), str(entry["path"]), line, wanted=asked)
            elif place := _elsewhere(spelled, entry):
                left.append(Left(line, spelled, place, wanted=name == "default"))
            else:
                pins.append(self._pin(spelled, entry, line))
        return pins, left

    def _pin(self, spelled: str, entry: dict[str, Any], line: int) -> Pin:
        name = normalise(spelled)
        if not names.WHEEL.fullmatch(name):
            fail(self._file, line, f"{spelled!r} is no distribution's name")
        url = public(str(entry.get("file") or entry.get("url") or ""))
        version = str(entry.get("version", "")).removeprefix("==").strip()
        if not names.WHEEL_VERSION.fullmatch(version) and not is_remote(url):
            fail(self._file, line, f"{spelled} has no exact version: {version!r}")
        hashes = entry.get("hashes", [])
        if not isinstance(hashes, list):
            fail(self._file, line, f"the hashes of {spelled} must be a list")
        marker = check_marker(str(entry.get("markers", "")), self._file, line)
        return Pin(name, version, marker, sha256(map(str, hashes)), url, line)

    def _table(self, holder: Any, name: str, line: int) -> dict[str, Any]:
        value = holder.get(name, {}) if isinstance(holder, dict) else None
        if not isinstance(value, dict):
            fail(self._file, line or self._line(name, 0), f"{name} must be an object")
        return value

    def _line(self, key: str, after: int) -> int:
        """The line of a key, as pipenv writes them: one on a line of its own."""
        shape = re.compile(rf"\s*{re.escape(json.dumps(key))}\s*:")
        lines = self._text.split("\n")
        return next((at for at in range(after, len(lines)) if shape.match(lines[at])), -1) + 1


def _elsewhere(name: str, entry: dict[str, Any]) -> str:
    """Where it comes from, if that is neither an index nor the URL of a file."""
    try:
        wanted.requirement(name, {**entry, "version": "*"})
    except wanted.Elsewhere as error:
        return str(error)
    return ""


def _exact(pin: Pin) -> str:
    return wanted.line(pin.name, specifier=f"=={pin.version}", marker=pin.marker, url=pin.url)


def _wanted(text: str) -> tuple[tuple[str, ...], tuple[Left, ...]]:
    """What a Pipfile's `packages` ask for; other sections are not wanted."""
    whole = root(text, _BESIDE)
    left: list[Left] = []
    known = {"packages", "source", "requires", "pipenv", "scripts"}
    for name in (name for name in whole if name not in known and whole.values[name]):
        reason = "a group of its own: it is pinned and not wanted"
        left.append(Left(line_of(text, (name,)), f"[{name}]", reason, file=_BESIDE))

    def lines() -> Iterator[str]:
        table = whole.table("packages")
        for name, asked in table.values.items():
            line = line_of(text, (*table.key, name))
            if not isinstance(asked, (str, dict)):
                table.fail(name, "must be a string or a table")
            try:
                yield check_requirement(wanted.requirement(name, asked), _BESIDE, line)
            except wanted.Elsewhere:
                continue  # the lock names it too
            except (wanted.Unsaid, ValueError) as error:
                table.fail(name, str(error))

    return tuple(lines()), tuple(left)

"""What DVC's files say of data: its MD5, its size, and where it lies.

The closure has no reader of YAML. This one reads what DVC itself writes, line by line, and takes
of it the entries under `outs` and `deps`; all else it leaves out.
"""

from __future__ import annotations

import json
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

LOCK = "dvc.lock"
SUFFIX = ".dvc"
_SECTIONS = ("outs", "deps")
_PAIR = re.compile(r"([A-Za-z0-9_]+):(?: +(.*))?")
_SUM = re.compile(r"[0-9a-f]{32}(\.dir)?")
# In these nothing of a project's own lies.
_LEFT_OUT = frozenset((".git", ".hg", ".dvc", ".nixrepro", ".venv", "node_modules", "__pycache__"))
_MOST_FOLDERS = 5000


class Entry:
    """One thing that DVC knows.

    Attributes:
        path: relative to the file's folder, or another place's address.
        md5: 32 hex digits, with `.dir` for a folder.
        size: bytes; -1 where the file doesn't say.
        files: how many; -1 where the file doesn't say.
        plain: whether the MD5 is that of the bytes; before DVC 3 texts were changed for it.
        section: `outs` or `deps`.
    """

    def __init__(self, values: dict[str, str], section: str) -> None:
        self.path = values["path"]
        self.md5 = values["md5"]
        self.size = _number(values.get("size"))
        self.files = _number(values.get("nfiles"))
        self.plain = values.get("hash") == "md5"
        self.section = section


def entries(text: str, name: str) -> list[Entry]:
    """The entries of a `.dvc` file or of `dvc.lock`, by the file's name; none where it has none.

    What a `.dvc` file depends on is where its data once came from, and left out.
    """
    lock = os.path.basename(name) == LOCK
    depth = 4 if lock else 0
    found: list[Entry] = []
    folder = "."
    section = ""
    values: dict[str, str] = {}
    last = ""
    inner = -1

    def end() -> None:
        wanted = section in _SECTIONS if lock else section == "outs"
        if wanted and "path" in values and _SUM.fullmatch(values.get("md5", "")):
            found.append(Entry(dict(values), section))
        values.clear()

    for line in text.splitlines():
        content = line.lstrip(" ")
        indent = len(line) - len(content)
        if not content or content.startswith("#"):
            continue
        item = content.startswith("- ") and section and indent in (depth, depth + 2)
        if item and (inner < 0 or indent + 2 == inner):
            end()
            inner = indent + 2
            content, indent = content[2:], indent + 2
        pair = _PAIR.fullmatch(content)
        if indent <= depth and not item:
            end()
            section, inner, last = "", -1, ""
            if indent == depth and pair and pair[1] in _SECTIONS:
                section = pair[1]
            elif indent == depth and pair and pair[1] == "wdir":
                folder = _scalar(pair[2] or "")
        elif indent == inner and pair:
            last = pair[1]
            values[last] = pair[2] or ""
        elif indent > inner >= 0 and last and values.get(last):
            values[last] += f" {content}"  # a long value goes on
    end()
    for each in found:
        each.path = os.path.normpath(os.path.join(folder, _scalar(each.path)))
    return found


def _scalar(text: str) -> str:
    if text[:1] == text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    if text[:1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    return text


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else -1


def known(project: str) -> list[dict[str, Any]]:
    """What DVC's files in a project say, as entries of a record's data layer."""
    found: dict[str, dict[str, Any]] = {}
    for name in _files(project):
        try:
            with open(os.path.join(project, name), encoding="utf-8") as stream:
                told = entries(stream.read(), name)
        except (OSError, UnicodeDecodeError) as error:
            found[name] = _unread(name, error)
            continue
        for each in told:
            path = os.path.normpath(os.path.join(os.path.dirname(name), each.path))
            if os.path.isabs(path) or path.startswith("..") or "://" in each.path:
                continue  # it lies elsewhere
            # A stage's lock says it too of what a `.dvc` file pins.
            if not name.endswith(LOCK) or path not in found:
                found[path] = _entry(project, name, path, each)
    return [found[path] for path in sorted(found)]


def _unread(name: str, error: Exception) -> dict[str, Any]:
    nothing = {"unknown": f"{name} can't be read: {error}"}
    return {
        "name": name, "kind": "dvc", "url": "", "path": name, "pinned": False, "dvc": name,
        "digest": nothing, "sha256": nothing,
    }  # fmt: skip


def _entry(project: str, file: str, path: str, each: Entry) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": path, "kind": "dvc", "url": "", "path": path, "pinned": False, "dvc": file,
        "digest": f"md5:{each.md5}", "sha256": {"unknown": "DVC digests by MD5"},
        "copy": _copy(os.path.join(project, path), each),
    }  # fmt: skip
    if each.size >= 0:
        entry["size"] = each.size
    if each.files >= 0:
        entry["files"] = each.files
    return entry


def _copy(path: str, each: Entry) -> str:
    """How what lies there looks, as far as a look at it tells."""
    try:
        about = os.stat(path)
    except OSError:
        return "absent"
    folder = each.md5.endswith(".dir")
    if folder != os.path.isdir(path) or (not folder and each.size not in (-1, about.st_size)):
        return "changed"
    return "there"


def _files(project: str) -> Iterator[str]:
    """DVC's files in a project, those that lie above first; none of what they are about."""
    waiting = [""]
    seen = 0
    while waiting and seen < _MOST_FOLDERS:
        folder = waiting.pop(0)
        seen += 1
        names, folders = [], []
        try:
            with os.scandir(os.path.join(project, folder)) as inside:
                for entry in inside:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.name)
                    elif entry.name == LOCK or entry.name.endswith(SUFFIX):
                        names.append(entry.name)
        except OSError:
            continue
        tracked = {name[: -len(SUFFIX)] for name in names}
        for name in sorted(names, key=lambda name: (name == LOCK, name)):
            yield os.path.join(folder, name)
        waiting += [
            os.path.join(folder, name)
            for name in sorted(folders)
            if name not in tracked and name not in _LEFT_OUT
        ]

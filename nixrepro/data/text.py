"""Says what data is pinned and what of it changed, for people and as JSON."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nixrepro.data.pinning import Added, untracked
from nixrepro.data.standing import ABSENT, CHANGED, SAME, Standing
from nixrepro.names import counted
from nixrepro.progress import amount

NONE = "the project declares no data: `nixrepro data add NAME PATH` pins some"
HEAD = ("name", "kept", "there", "digest", "place")
SHOWN = 20
_DIGITS = 12
_SIGNS = (("~", "changed"), ("+", "appeared"), ("-", "gone"))


def added(done: Added) -> str:
    """What was pinned, in a line."""
    data = done.data
    how = "by reference" if data.reference else "in the store"
    about = f"{counted(done.files, 'file')}, {amount(done.size)}, {how}"
    return f"{data.name}: {_short(done.digest)} ({about})"


def added_json(done: Added) -> dict[str, Any]:
    """The same as a JSON value."""
    data = done.data
    return {
        "name": data.name,
        "kept": "reference" if data.reference else "store",
        "digest": done.digest,
        "files": done.files,
        "size": done.size,
        "place": done.where,
        "written": done.written,
        "lock": done.lock,
    }


def next_steps(root: Path, done: Added) -> list[str]:
    """What was done, and what is left to a person."""
    lines = [f"pyproject.toml: {'written' if done.written else 'says so already'}"]
    data = done.data
    if data.reference and done.where and not done.where.startswith(f"{root.absolute()}{os.sep}"):
        lines.append(f"on this machine it lies at {done.where}; another one says so itself")
    if done.lock:
        lines.append("run `nixrepro lock`: the lock pins what is kept in the store")
    if data.path and data.reference and untracked(root, data.path):
        lines.append(
            f"Git neither knows nor ignores {data.path}, so each run records it as uncommitted "
            f"code: commit it, or write /{data.path} into .gitignore"
        )
    return lines


def verified(each: Standing) -> str:
    """Whether one is what is pinned; the names of its files that are not, each on a line."""
    if each.state == SAME:
        about = [counted(each.files, "file")] if each.files else []
        about += [amount(each.size)] if each.size else []
        if each.kept == "reference":
            about.append(f"{each.read:,} read" if each.read else "none read")
        return f"{each.name}: same ({', '.join(about)})"
    if each.state == ABSENT:
        need = ", which no run needs" if each.optional else ""
        return f"{each.name}: not there{need}: {_reason(each)}"
    lines = [f"{each.name}: {each.state}"]
    numbers = [
        f"{len(getattr(each, key)):,} {word}"
        for key, word in (("changed", "changed"), ("appeared", "appeared"), ("gone", "went"))
        if getattr(each, key)
    ]
    lines[0] += f": of {counted(each.files, 'file')} {', '.join(numbers)}" if numbers else ""
    if not numbers:
        lines[0] += f": {_reason(each)}"
    names = [f"  {sign} {name}" for sign, key in _SIGNS for name in getattr(each, key)]
    lines += names if len(names) <= SHOWN + 1 else names[:SHOWN]
    if len(names) > SHOWN + 1:
        lines.append(f"  and {len(names) - SHOWN:,} more (--json has all)")
    return "\n".join(lines)


def standing_json(each: Standing) -> dict[str, Any]:
    """One as a JSON value; names that are no UTF-8 are spelled out."""
    found: dict[str, Any] = {
        "name": each.name,
        "kept": each.kept,
        "pin": each.pin,
        "place": each.where,
        "state": each.state,
        "optional": each.optional,
    }
    if each.digest:
        found.update(digest=each.digest, files=each.files, size=each.size, read=each.read)
    if each.reason:
        found["reason"] = each.reason
    if each.state == CHANGED:
        found.update({key: list(getattr(each, key)) for _, key in _SIGNS})
    return found


def row(root: Path, each: Standing) -> tuple[str, ...]:
    """The cells of one, in the order of HEAD."""
    there = {SAME: "yes", ABSENT: "no"}.get(each.state, each.state)
    where = each.where
    if where.startswith(f"{root}{os.sep}"):
        where = os.path.relpath(where, root)
    return (each.name, each.kept, there, _short(each.pin), where or "-")


def _reason(each: Standing) -> str:
    """Why, behind the data's name: which is not said again."""
    said = each.reason
    for known in ("can't be checked: ", "is not what is pinned: "):
        said = said.removeprefix(f"data {each.name!r} {known}")
    named = f"data {each.name!r} "
    return f"it {said.removeprefix(named)}" if said.startswith(named) else said


def _short(digest: str) -> str:
    kind, _, digits = digest.partition(":")
    return f"{kind}:{digits[:_DIGITS]}"

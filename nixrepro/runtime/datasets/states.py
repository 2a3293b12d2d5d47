"""What is pinned as data by reference, what lies at its place, and what differs."""

from __future__ import annotations

import os
import time

from . import SHA256, Unreadable, dvc, listing, md5
from .digesting import Found, digest
from .naming import size
from .places import absent, place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# Seconds of silence.
_FIRST, _NEXT = 1.0, 15.0


class State:
    """What was found of one.

    Attributes:
        name, entry: as the settings have them.
        where: its place; "" where there is none.
        pin: the digest that is pinned.
        found: what lies there; None where that can't be said.
        reason: why it can't.
        changes: by name, where the pinned list is kept here.
    """

    def __init__(self, name: str, entry: dict[str, Any]) -> None:
        self.name = name
        self.entry = entry
        self.where = ""
        self.pin = str(entry.get("digest", ""))
        self.path = str(entry.get("path", ""))
        self.found: Found | None = None
        self.missing = False
        self.reason = ""
        self.changes: listing.Changes | None = None

    @property
    def same(self) -> bool:
        """Whether it is what is pinned."""
        return self.found is not None and self.found.digest == self.pin

    def sentence(self) -> str:
        """What is not as it is pinned; "" where all is."""
        if self.missing:
            return "" if self.entry.get("optional") else self.reason
        if self.reason:
            return f"data {self.name!r} can't be checked: {self.reason}"
        if self.same or self.found is None:
            return ""
        said = self.changes.said() if self.changes else ""
        if not said:
            now, then = (each.partition(":") for each in (self.found.digest, self.pin))
            said = f"it is {now[0]}:{now[2][:12]} now, pinned is {then[0]}:{then[2][:12]}"
            if self.found.top is not None and now[0] == then[0]:
                said += " (which files differ can't be said: the pinned list is not kept here)"
        return f"data {self.name!r} is not what is pinned: {said}"

    def recorded(self) -> dict[str, Any]:
        """Its entry of the record's data layer."""
        # Where it was looked for is this machine's own.
        value: Any = {"unknown": "it was not there" if self.missing else self.reason}
        sha256: Any = value
        if self.found is not None:
            value = self.found.digest
            kind, _, digits = value.partition(":")
            sha256 = {"unknown": "DVC digests by MD5"} if kind == "md5" else digits
        entry = {
            "name": self.name, "url": "", "path": self.path, "pinned": True,
            "kind": self._kind(), "digest": value, "sha256": sha256, "pin": self.pin,
        }  # fmt: skip
        if self.found is not None:
            entry.update(files=self.found.count, size=self.found.size)
        if self.entry.get("dvc"):
            entry["dvc"] = self.entry["dvc"]
        return entry

    def _kind(self) -> str:
        if self.entry.get("dvc"):
            return "dvc"
        folder = self.found.top is not None if self.found else not self.pin.startswith(SHA256)
        return "folder" if folder else "file"


def look(
    project: str,
    name: str,
    entry: dict[str, Any],
    *,
    say: Callable[[str], None] = lambda _: None,
    asked: Callable[[], object] = lambda: None,
    afresh: bool = False,
) -> State:
    """Digest one and compare.

    Args:
        project: the project's folder.
        name: of the data.
        entry: what the settings say of it.
        say: told that it takes long, and how far it is.
        asked: asked several times a second; what is true ends it.
        afresh: read every byte, whatever the cache says.

    Raises:
        Interrupted: somebody asked this to end.
    """
    state = State(name, entry)
    told: dvc.Entry | None = None
    if file := entry.get("dvc"):
        try:
            state.path, told = md5.pinned(project, file)
        except ValueError as error:
            state.reason = str(error)
            return state
        state.pin = f"md5:{told.md5}"
        entry = {**entry, "path": state.path}
    state.where = place(project, name, entry)
    try:
        state.found = _digest(state, project, told, afresh, _Progress(name, say), asked)
    except (FileNotFoundError, NotADirectoryError):
        state.missing = True
        state.reason = absent(name, state.where, entry)
    except Unreadable as error:
        top = os.fsencode(state.where)
        error.problems = [
            (path[len(top) + 1 :] if path.startswith(top + b"/") else path, reason)
            for path, reason in error.problems
        ]
        state.reason = str(error)
    except OSError as error:
        state.reason = f"{state.where} can't be read: {error.strerror}"
    if state.found is not None:
        listing.keep(project, state.found)
        if not state.same:
            _name(state, project, told)
    return state


def _digest(
    state: State,
    project: str,
    told: dvc.Entry | None,
    afresh: bool,
    progress: _Progress,
    asked: Callable[[], object],
) -> Found:
    if not state.where:
        raise FileNotFoundError
    where = os.fsencode(os.path.abspath(state.where))
    if told is not None:
        return md5.digest(where, project, tell=progress, asked=asked, afresh=afresh)
    return digest(where, project, tell=progress, asked=asked, afresh=afresh)


def _name(state: State, project: str, told: dvc.Entry | None) -> None:
    """Find the names of what differs, or why DVC's digest says nothing."""
    assert state.found is not None
    if told is not None and (not told.plain or md5.ignores(project)):
        why = "DVC 2 wrote it" if not told.plain else "a .dvcignore leaves files out"
        state.reason = f"the MD5 in {state.entry['dvc']} is not that of all bytes: {why}"
        state.found = None
        return
    then = listing.load(project, state.pin)
    if then is not None and state.found.top is not None:
        state.changes = listing.Changes(then, listing.of(state.found))


class _Progress:
    """Says that data is read, where that takes longer than a moment."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self.name = name
        self.say = say
        self.next = time.monotonic() + _FIRST

    def __call__(self, done: int, whole: int) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + _NEXT
            self.say(f"reading data {self.name!r}: {size(done)} of {size(whole)}")

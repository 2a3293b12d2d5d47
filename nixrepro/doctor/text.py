"""Says what was found: for people within a width, and as a JSON value."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from nixrepro.doctor.model import NIX, Line, State
from nixrepro.errors import Exit

_LEAST = 40
_COLUMN = 9


def lines(found: Sequence[Line], width: int) -> Iterator[tuple[State | None, str]]:
    """Text lines, each with the state to colour it by; a group's name has none.

    A command is never broken: it is there to be copied.
    """
    width = max(width, _LEAST)
    inner = " " * (_COLUMN + 2)
    group = ""
    for line in found:
        if line.group != group:
            group = line.group
            yield None, group
        said = f"  {line.state.value:<{_COLUMN}}{line.subject}: {line.said}"
        for part in textwrap.wrap(
            said, width, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
        ):
            yield line.state, part
        if line.fix:
            yield None, f"{inner}fix: {line.fix}"


def summary(found: Sequence[Line]) -> str:
    """One line on all of it."""
    counts = {state: sum(line.state is state for line in found) for state in State}
    if not counts[State.MISSING] and not counts[State.WARNING]:
        return f"all {len(found)} are as they should be"
    said = [f"{counts[State.OK]} ok", f"{counts[State.WARNING]} to look at"]
    return ", ".join([*said, f"{counts[State.MISSING]} missing"])


def document(found: Sequence[Line]) -> dict[str, Any]:
    """What `nixrepro doctor --json` answers."""
    keys = ("group", "subject", "said", "fix")
    checks = [
        {"status": line.state.value, **{key: getattr(line, key) for key in keys}} for line in found
    ]
    return {"format": 1, "checks": checks}


def code(found: Sequence[Line]) -> Exit:
    """0 when nothing needed is missing, 3 where that is Nix, else 1."""
    missing = [line for line in found if line.state is State.MISSING]
    if any(line.group == NIX for line in missing):
        return Exit.NO_NIX
    return Exit.DIFFERS if missing else Exit.OK

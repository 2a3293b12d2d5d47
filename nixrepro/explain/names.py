"""Names of files, as `git diff` says them."""

from __future__ import annotations

import re

_QUOTED = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = dict(zip(b"ntrabfv", b"\n\t\r\a\b\f\v", strict=True))


def files(text: str) -> list[str]:
    """The files that a `git diff` concerns, by their later names."""
    return [_later(line) for line in text.split("\n") if line.startswith("diff --git ")]


def _later(line: str) -> str:
    if not line.endswith('"'):
        return line.rpartition(" b/")[2]
    quoted = line[:-1].rpartition(' "b/')[2]
    return _QUOTED.sub(_plain, quoted.encode()).decode("utf-8", "replace")


def _plain(found: re.Match[bytes]) -> bytes:
    said = found[1]
    if said.isdigit():
        return bytes([int(said, 8) & 255])
    return bytes([_LETTERS.get(said[0], said[0])])

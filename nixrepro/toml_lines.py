"""Finds the line on which a TOML document says something, for messages only."""

from __future__ import annotations

import re

Key = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_NAME = re.compile(r'[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"""+|\'\'\'.*?\'\'\'+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]|[^\[\]{}\n"\'#]+',
    re.DOTALL,
)


def line_of(text: str, key: Key) -> int:
    """The line, counted from 1, of a key or of the nearest table above it; 0 where none is found.

    Args:
        text: a document that a TOML parser has accepted.
        key: names from the root; a whole number picks an element of an array of tables.
    """
    lines = _positions(text)
    for length in range(len(key), 0, -1):
        if key[:length] in lines:
            return lines[key[:length]]
    return 0


def _positions(text: str) -> dict[Key, int]:
    found: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    at = _skip(_SPACE, text, 0)
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        header = text.startswith("[", at)
        array = text.startswith("[[", at)
        names, end = _dotted(text, at + header + array)
        if header:
            table = _counted(names, counts)
            if array:
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            key, end = table, end + 1 + array
        else:
            key = (*table, *names)
            end = _after_value(text, end + 1)
        for length in range(1, len(key) + 1):
            found.setdefault(key[:length], line)
        if end <= at:
            break
        at = _skip(_SPACE, text, end)
    return found


def _counted(names: Key, counts: dict[Key, int]) -> Key:
    """Put into a header's names the element of each array of tables that it goes on with."""
    key: Key = ()
    for name in names[:-1]:
        key = (*key, name)
        if key in counts:
            key = (*key, counts[key])
    return (*key, *names[-1:])


def _dotted(text: str, at: int) -> tuple[Key, int]:
    names: list[str] = []
    while True:
        match = _NAME.match(text, _skip(_BLANK, text, at))
        if match is None:
            return tuple(names), at
        name = match.group()
        names.append(name[1:-1] if name[0] in "\"'" else name)
        at = _skip(_BLANK, text, match.end())
        if not text.startswith(".", at):
            return tuple(names), at
        at += 1


def _after_value(text: str, at: int) -> int:
    depth = 0
    while match := _PIECE.match(text, at):
        piece = match.group()
        if piece == "\n" and depth == 0:
            break
        depth += (piece in ("[", "{")) - (piece in ("]", "}"))
        at = match.end()
    return at


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()

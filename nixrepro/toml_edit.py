"""Adds keys to a TOML document as text: what is in it stays, to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_WIDTH = 100
_BARE = re.compile(r"[A-Za-z0-9_-]+")
Path = tuple[str, ...]


class Unfit(Exception):
    """The document says it in a way to which nothing can be added line by line."""


def add(text: str, additions: Mapping[Path, Any]) -> str:
    """The document with keys that it does not have yet.

    Args:
        text: a document that is TOML.
        additions: strings, truth values, whole numbers and lists of strings, by their full names.

    Raises:
        Unfit: a table is written inline or by dotted keys, so that a line can't be put into it.
    """
    import tomli

    whole = tomli.loads(text)
    end = "\r\n" if "\r\n" in text else "\n"
    new = text
    for name, lines in _tables(additions).items():
        new = _put(new, name, [line.replace("\n", end) for line in lines], end)
    for name, value in additions.items():
        _set(whole, name, value)
    try:
        found = tomli.loads(new)
    except tomli.TOMLDecodeError as error:
        raise Unfit(str(error)) from error
    if found != whole:
        raise Unfit("it would say something else then")
    return new


def lines(additions: Mapping[Path, Any]) -> list[str]:
    """The same as the lines of a document that has nothing else."""
    found: list[str] = []
    for name, pairs in _tables(additions).items():
        found += ["", _header(name), *"\n".join(pairs).split("\n")]
    return found[1:]


def pair(name: str, value: Any) -> str:
    """`name = value`; a long list on several lines."""
    line = f"{key(name)} = {_value(value)}"
    if isinstance(value, (list, tuple)) and len(line) > _WIDTH:
        items = "".join(f"    {_value(item)},\n" for item in value)
        return f"{key(name)} = [\n{items}]"
    return line


def _tables(additions: Mapping[Path, Any]) -> dict[Path, list[str]]:
    found: dict[Path, list[str]] = {}
    for (*above, name), value in additions.items():
        found.setdefault(tuple(above), []).append(pair(name, value))
    return found


def _put(text: str, name: Path, pairs: list[str], end: str) -> str:
    """Put lines below a table's header, or with a header of their own at the end."""
    told = text.splitlines(keepends=True)
    for at, line in enumerate(told):
        if _heads(line, name):
            told[at] = line if line.endswith("\n") else line + end
            told[at + 1 : at + 1] = [each + end for each in pairs]
            return "".join(told)
    gap = "" if not text or text.endswith(end * 2) else end if text.endswith("\n") else end * 2
    return text + gap + _header(name) + end + "".join(each + end for each in pairs)


def _heads(line: str, name: Path) -> bool:
    """Whether a line is the header of that table."""
    import tomli

    if not line.lstrip().startswith("["):
        return False
    try:
        found: Any = tomli.loads(line)
    except tomli.TOMLDecodeError:
        return False  # it goes on with a list
    for part in name:
        found = found.get(part) if isinstance(found, dict) else None
    return bool(found == {})


def _header(name: Path) -> str:
    return f"[{'.'.join(map(key, name))}]"


def _set(whole: dict[str, Any], name: Path, value: Any) -> None:
    for part in name[:-1]:
        whole = whole.setdefault(part, {})
        if not isinstance(whole, dict):
            raise Unfit(f"{part} is no table")
    whole[name[-1]] = list(value) if isinstance(value, tuple) else value


def key(name: str) -> str:
    """A name, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, (bool, int, str)):
        # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise TypeError(f"no line of TOML is written for {value!r}")

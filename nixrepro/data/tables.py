"""Writes one data table into the text of a pyproject.toml; all else in it stays as it is."""

from __future__ import annotations

import json
import re
from typing import Any

import tomli

from nixrepro.errors import ConfigError
from nixrepro.toml_lines import line_of

_TABLE = ("tool", "nixrepro", "data")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY = r"\s*(?:{0}|\"{0}\"|'{0}')\s*="
Values = dict[str, str | bool | None]


def with_table(text: str, name: str, values: Values) -> str:
    """The text with a data table that says some values; a value None takes its key out.

    Raises:
        ConfigError: it is written in a way in which this can't be done; with what to write.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(end)
    now = _tables(text)
    made = _changed(lines, text, name, values) if name in now else _appended(lines, name, values)
    found = end.join(made)
    wanted = {**now.get(name, {}), **values}
    expected = {key: value for key, value in wanted.items() if value is not None}
    try:
        good = _rest(found, name) == _rest(text, name) and _tables(found)[name] == expected
    except (tomli.TOMLDecodeError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise ConfigError(
            f"pyproject.toml says its data in a way that can't be edited: {name} was not written",
            hint="write this yourself",
            details="\n".join(_table(name, {k: v for k, v in expected.items()})),
        )
    return found


def _tables(text: str) -> dict[str, Any]:
    found = tomli.loads(text).get("tool", {}).get("nixrepro", {}).get("data", {})
    return dict(found)


def _rest(text: str, name: str) -> Any:
    """All that a text says but for one data table."""
    found = tomli.loads(text)
    data = found["tool"]["nixrepro"].pop("data", {})
    return found, {key: value for key, value in data.items() if key != name}


def _table(name: str, values: Values) -> list[str]:
    key = name if _BARE.fullmatch(name) else json.dumps(name)
    return [f"[tool.nixrepro.data.{key}]", *_pairs(values)]


def _pairs(values: Values) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]


def _value(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _appended(lines: list[str], name: str, values: Values) -> list[str]:
    """At the end: a header ends what was said before it."""
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    return [*kept, "", *_table(name, values), ""]


def _changed(lines: list[str], text: str, name: str, values: Values) -> list[str]:
    """The lines of its keys replaced or taken out, new ones below its header."""
    found: list[str | None] = list(lines)
    new: Values = {}
    for key, value in values.items():
        place = line_of(text, (*_TABLE, name, key)) - 1
        stands = re.match(_KEY.format(re.escape(key)), lines[place]) if place >= 0 else None
        if stands is None:
            new[key] = value
            continue
        remark = re.search(r"[\"'el]\s*(#.*)$", lines[place])  # behind a string, true or false
        said = "" if value is None else f"{key} = {_value(value)}"
        if value is not None and remark:
            said += f"  {remark[1]}"
        found[place] = said or None
    header = line_of(text, (*_TABLE, name)) - 1
    if not re.match(r"\s*\[", lines[header]):
        return list(lines)  # dotted keys or an inline table: the caller says that it can't be done
    return [
        line
        for at, each in enumerate(found)
        for line in ([each] if each is not None else []) + (_pairs(new) if at == header else [])
    ]

"""Has a tree's pyproject.toml say what a record says: the command and settings of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import tomli

_NUMERICS = ("profile", "cpu", "threads")


def configured(text: str, recorded: Mapping[str, Any]) -> str:
    """The text of a pyproject.toml with a run's command and settings.

    It is the text itself, to the byte, where it says all of that already.

    Args:
        text: of the pyproject.toml.
        recorded: the settings layer of the run's record.
    """
    whole = tomli.loads(text)
    tool = whole.setdefault("tool", {}).setdefault("nixrepro", {})
    before = json.dumps(whole, default=str)
    _put(tool, "train", command=_command(recorded))
    _put(
        tool,
        "settings",
        seed=recorded["seed"],
        deterministic=recorded["deterministic"],
        variables=recorded.get("variables", {}),
    )
    stated = recorded.get("numerics", {})
    # Of a CPU's own table the record has the digest; the file is the tree's.
    own = {"cpu"} if "table" in stated else set()
    for key in _NUMERICS:
        if key in stated and key not in own:
            _put(tool, "numerics", **{key: stated[key]})
        elif key not in own:  # the machine decided it
            tool.get("numerics", {}).pop(key, None)
    return text if json.dumps(whole, default=str) == before else _toml(whole)


def _put(tool: dict[str, Any], name: str, **values: object) -> None:
    """Set what is another value than the one that holds already."""
    defaults: dict[str, Any] = {"seed": 42, "deterministic": True, "variables": {}}
    table = tool.get(name, {})
    for key, value in values.items():
        if table.get(key, defaults.get(key)) != value:
            tool.setdefault(name, {})[key] = value


def _command(recorded: Mapping[str, Any]) -> list[str]:
    """The command, in the folder of the project that it was started in."""
    words = [str(word) for word in recorded["command"]]
    folder = str(recorded.get("folder", "."))
    if folder == ".":
        return words
    return ["sh", "-c", 'cd "$0" && exec "$@"', folder, *words]


def _toml(whole: Mapping[str, Any]) -> str:
    """A document as TOML, each table in one line; comments are gone."""
    return "".join(f"{_string(name)} = {_value(value)}\n" for name, value in whole.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_string(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value) if isinstance(value, (int, float)) else str(value.isoformat())


def _string(text: str) -> str:
    # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

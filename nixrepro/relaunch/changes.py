"""What comes of the changes of a relaunch: its settings, and what differs; pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nixrepro import config as configs
from nixrepro.errors import ConfigError
from nixrepro.relaunch import arguments
from nixrepro.relaunch.keys import Changes
from nixrepro.repeat.virtual import stated
from nixrepro.runtime.numerics import PORTABLE

_FILE = "--set"
_BARE = re.compile(r"-?[0-9]+|true|false")


def applied(
    changes: Changes, recorded: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The settings layer that comes of changes, and what differs, by key: before and after.

    Args:
        changes: what is wanted.
        recorded: the settings layer of the record.

    Raises:
        ConfigError: a value can't be what it is for; the message says what it must be.
    """
    found = dict(recorded)
    read = _read(changes.settings, recorded)
    keys = changes.settings
    if "settings.seed" in keys:
        found["seed"] = read.settings.seed
    if "settings.deterministic" in keys:
        found["deterministic"] = read.settings.deterministic
    found["variables"] = {**(recorded.get("variables") or {}), **dict(read.settings.variables)}
    command = list(changes.command or recorded["command"])
    for name, value in changes.arguments.items():
        command = arguments.put(command, name, value)
    found["command"] = command
    if any(key.startswith("numerics.") for key in keys):
        numerics = read.numerics
        made: dict[str, Any] = {"threads": numerics.threads} if numerics.threads else {}
        if numerics.profile == PORTABLE:
            made |= {"profile": PORTABLE, "cpu": numerics.cpu}
        found.pop("numerics", None)
        found |= {"numerics": made} if made else {}
    return found, _differing(recorded, found)


def said(changed: Mapping[str, Any]) -> list[str]:
    """What was changed, as a person reads it, one line a key; of a stranger's record too."""
    lines = []
    for key, pair in sorted(changed.items()):
        old, new = pair if isinstance(pair, list) and len(pair) == len("ab") else (None, pair)
        lines.append(f"{key}: {_shown(old)} -> {_shown(new)}")
    return lines


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return shlex.join(map(str, value))
    if isinstance(value, str):
        return value if not re.fullmatch(r"[0-9a-f]{64}", value) else value[:12]
    return json.dumps(value)


def _read(keys: Mapping[str, str], recorded: Mapping[str, Any]) -> configs.Config:
    """The keys as a pyproject.toml with them would be read: there is one rule for both."""
    tables: dict[str, dict[str, str]] = {"settings": {}, "settings.variables": {}, "numerics": {}}
    if any(key.startswith("numerics.") for key in keys):
        tables["numerics"] = {k: _toml(v) for k, v in _profile(keys, recorded).items()}
    for key, value in keys.items():
        table, _, name = key.rpartition(".")
        if key.startswith("settings.variables."):
            table, name = "settings.variables", key.removeprefix("settings.variables.")
        text = _toml(value if table == "settings.variables" else _value(value))
        tables[table][name] = text
    lines = []
    for table, entries in tables.items():
        lines += [f"[tool.nixrepro.{table}]"]
        lines += [f"{_toml(name)} = {text}" for name, text in entries.items()]
    try:
        return configs.parse("\n".join(lines), Path(), _FILE)
    except ConfigError as error:
        message = re.sub(r"^--set:\d+: tool\.nixrepro\.", "--set ", error.message)
        raise ConfigError(message, hint=error.hint) from None


def _profile(keys: Mapping[str, str], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The profile that was, less what another profile has not."""
    found = stated(recorded.get("numerics") or {})
    if keys.get("numerics.profile", found.get("profile")) != PORTABLE:
        found.pop("cpu", None)
    return found


def _value(text: str) -> Any:
    return json.loads(text) if _BARE.fullmatch(text) and not re.match("-?0[0-9]", text) else text


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    found = {}
    before, after = _flat(old), _flat(new)
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            found[key] = [before.get(key), after.get(key)]
    return found


def _flat(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A settings layer by the keys of `--set`."""
    numerics = stated(layer.get("numerics") or {})
    return {
        **{f"settings.{key}": layer.get(key) for key in ("command", "seed", "deterministic")},
        **{f"settings.variables.{k}": v for k, v in (layer.get("variables") or {}).items()},
        "numerics.profile": numerics.get("profile", "native"),
        **{f"numerics.{k}": numerics[k] for k in ("cpu", "threads") if numerics.get(k)},
    }

"""Reads `--set KEY=VALUE`: full and short names of what a relaunch may change; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nixrepro.errors import NixreproError
from nixrepro.names import nearest

PLAIN = (
    "settings.seed",
    "settings.deterministic",
    "numerics.profile",
    "numerics.cpu",
    "numerics.threads",
)
# Each followed by a name.
NAMED = ("settings.variables.", "arguments.", "data.")
COMMAND = "settings.command"
_SHORT = {key.rpartition(".")[2]: key for key in PLAIN}


@dataclass(frozen=True)
class Changes:
    """What a person wants changed.

    Args:
        settings: by full keys, as they were typed.
        arguments: options of the command, by name.
        data: files, by the name of the pinned data that they stand in for.
        command: another command; none for the recorded one.
    """

    settings: Mapping[str, str]
    arguments: Mapping[str, str]
    data: Mapping[str, str]
    command: tuple[str, ...] = ()


def parse(words: Sequence[str], command: Sequence[str] = ()) -> Changes:
    """Read what was typed.

    Args:
        words: KEY=VALUE each; a later one counts.
        command: another command, or nothing.

    Raises:
        NixreproError: one is no KEY=VALUE, or there is no such key; the nearest is named.
    """
    found: dict[str, dict[str, str]] = {"": {}, "arguments.": {}, "data.": {}}
    for word in words:
        given, equals, value = word.partition("=")
        if not equals:
            raise NixreproError(
                f"--set {word}: a key needs a value", hint=f"such as --set {word}=7"
            )
        key = _full(given)
        group = next((each for each in ("arguments.", "data.") if key.startswith(each)), "")
        found[group][key.removeprefix(group)] = value
    return Changes(found[""], found["arguments."], found["data."], tuple(command))


def _full(given: str) -> str:
    """The full name of a key."""
    key = _SHORT.get(given, given)
    if key.startswith("variables."):
        key = f"settings.{key}"
    if key in PLAIN or any(key.startswith(each) and key != each for each in NAMED):
        return key
    if key in (COMMAND, "command", "train.command"):
        raise NixreproError(
            f"--set {given}: a command is given as words", hint="give it at the end: -- COMMAND..."
        )
    known = [*PLAIN, *_SHORT, *(f"{each}NAME" for each in NAMED), "variables.NAME"]
    near = nearest(given, known)
    if "." in given:
        # What follows a known table is somebody's own name.
        table, _, name = given.rpartition(".")
        tables = [each.rstrip(".") for each in (*NAMED, "variables.")]
        other = table in tables or table in ("settings", "numerics")
        close = "" if other else nearest(table, tables)
        near = f"{close}.{name}" if close else near
    hint = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
    raise NixreproError(f"--set {given}: there is no such key", hint=hint)

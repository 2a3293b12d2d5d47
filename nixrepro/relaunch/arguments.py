"""Puts another value to an option of a recorded command; pure."""

from __future__ import annotations

from collections.abc import Sequence

from nixrepro.errors import NixreproError
from nixrepro.names import nearest

_WHOLE = "give the whole command at the end: -- COMMAND..."


def put(command: Sequence[str], name: str, value: str) -> list[str]:
    """A command with another value of one option, or with the option where it had none.

    Args:
        command: the words.
        name: of the option, without its dashes; `-` and `_` are alike.
        value: the new one.

    Raises:
        NixreproError: it stands there twice, or has no value there, or was probably misspelled.
    """
    found = list(command)
    own = {place: spelled for place, word in enumerate(found) if (spelled := option(word))}
    places = [place for place, spelled in own.items() if _alike(spelled, name)]
    what = f"--set arguments.{name}"
    if len(places) > 1:
        raise NixreproError(f"{what}: the command has it {len(places)} times", hint=_WHOLE)
    if not places:
        known = sorted(set(own.values()))
        if near := nearest(name, known):
            raise NixreproError(
                f"{what}: the command has no --{name}",
                hint=f"did you mean arguments.{near}? To add an option, {_WHOLE}",
            )
        return [*found, f"--{name}" if len(name) > 1 else f"-{name}", value]
    (place,) = places
    dashes, equals, _ = found[place].partition("=")
    if equals:
        found[place] = f"{dashes}={value}"
    elif place + 1 < len(found) and not option(found[place + 1]):
        found[place + 1] = value
    else:
        raise NixreproError(f"{what}: it has no value in the command", hint=_WHOLE)
    return found


def option(word: str) -> str:
    """The name of an option, without its dashes and value; "" for any other word."""
    name = word.lstrip("-").partition("=")[0]
    return name if word.startswith("-") and name[:1].isalpha() else ""


def _alike(a: str, b: str) -> bool:
    return a.replace("_", "-") == b.replace("_", "-")

"""Reads typed values out of a TOML table, and says exactly which key is wrong, and where."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from nixrepro.errors import NixreproError
from nixrepro.names import CONTROL, nearest
from nixrepro.toml_lines import Key, line_of

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a fraction",
    str: "a string",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True)
class Document:
    """A TOML file's text, the name to call it by, and the error that it raises."""

    text: str
    file: str
    error: type[NixreproError]

    def parse(self) -> Table:
        """The root table.

        Raises:
            NixreproError: (the class given) the text is not TOML.
        """
        import tomli

        try:
            return Table(tomli.loads(self.text), (), self)
        except tomli.TOMLDecodeError as error:
            message = f"{self.file}:{error.lineno}: not valid TOML: {error.msg}"
            hint = "correct that line"
            if re.search(r"^(<<<<<<<|>>>>>>>) ", self.text, re.MULTILINE):
                hint = f"{self.file} holds a merge conflict: settle it, or take one side whole"
            raise self.error(message, hint=hint) from error
        except RecursionError as error:
            raise self.error(f"{self.file}: nested too deeply to be read") from error

    def fail(self, key: Key, problem: str, hint: str = "") -> NoReturn:
        """Raise the document's error about one key: its full name, its line, what is wrong."""
        line = line_of(self.text, key)
        place = f"{self.file}:{line}" if line else self.file
        raise self.error(f"{place}: {_spell(key)} {problem}", hint=hint)


def _spell(key: Key) -> str:
    spelled = ""
    for part in key:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            spelled += f".{name}" if spelled else name
    return spelled


@dataclass(frozen=True)
class Table:
    """One table of a document, with the key that leads to it."""

    values: dict[str, Any]
    key: Key
    document: Document

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def fail(self, name: str, problem: str, hint: str = "") -> NoReturn:
        """Raise the document's error about one key of this table."""
        self.document.fail((*self.key, name), problem, hint)

    def only(self, *valid: str) -> None:
        """Refuse any key not named here, and say which was most likely meant."""
        for name in self.values:
            if name not in valid:
                near = nearest(name, valid)
                known = ", ".join(valid)
                hint = f"did you mean {_spell((*self.key, near))}?" if near else f"known: {known}"
                self.fail(name, "is not a known key", hint)

    def _get(self, name: str, kind: type[Any], default: Any) -> Any:
        value = self.values.get(name, default)
        if value is None:
            self.document.fail(self.key, f"lacks the key {name!r}")
        if type(value) is not kind:
            found = _KINDS.get(type(value), "a date or time")
            self.fail(name, f"must be {_KINDS[kind]}, not {found}")
        return value

    def table(self, name: str) -> Table:
        """A sub-table; an empty one where it is not given."""
        return Table(self._get(name, dict, {}), (*self.key, name), self.document)

    def tables(self, name: str) -> list[Table]:
        """An array of tables; empty where it is not given."""
        found = self._get(name, list, [])
        for number, item in enumerate(found):
            if type(item) is not dict:
                self.document.fail((*self.key, name, number), "must be a table")
        key = (*self.key, name)
        return [Table(item, (*key, number), self.document) for number, item in enumerate(found)]

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        return bool(self._get(name, bool, default))

    def number(self, name: str, default: int | None, low: int, high: int) -> int:
        """A whole number within bounds, both included; required where the default is None."""
        value = int(self._get(name, int, default))
        if not low <= value <= high:
            self.fail(name, f"must be from {low} to {high}, not {value}")
        return value

    def string(
        self,
        name: str,
        default: str | None = "",
        shape: re.Pattern[str] | None = None,
        what: str = "",
    ) -> str:
        """A string without control characters; required where the default is None.

        Args:
            name: its key.
            default: the value where the key is not given.
            shape: what all of a given, non-default value must match.
            what: the shape in words, such as "a package's name".
        """
        value = str(self._get(name, str, default))
        if value != default:
            self._check(name, value, shape, what)
        return value

    def choice(self, name: str, default: str | None, valid: Collection[str]) -> str:
        """One of a few strings."""
        value = str(self._get(name, str, default))
        if value not in valid:
            self.fail(name, *not_one_of(value, valid))
        return value

    def strings(
        self, name: str, shape: re.Pattern[str] | None = None, what: str = ""
    ) -> tuple[str, ...]:
        """A list of strings, each of the shape; empty where it is not given."""
        found = self._get(name, list, [])
        for item in found:
            if type(item) is not str:
                self.fail(name, f"must be a list of strings; {item!r} is none")
            self._check(name, item, shape, what)
        return tuple(found)

    def _check(self, name: str, value: str, shape: re.Pattern[str] | None, what: str) -> None:
        if CONTROL.search(value):
            self.fail(name, f"holds a control character: {value!r}")
        if shape is not None and not shape.fullmatch(value):
            self.fail(name, f"is not {what}: {value!r}")


def not_one_of(value: str, valid: Collection[str]) -> tuple[str, str]:
    """Problem and hint for a string that is not one of the valid ones."""
    near = nearest(value, valid)
    known = "known: " + ", ".join(valid) if valid else "there is none"
    return f"can't be {value!r}", f"did you mean {near!r}? {known}" if near else known

"""What a pyproject.toml asks for, by [project] or in Poetry's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nixrepro.imports import wanted
from nixrepro.imports.model import Left
from nixrepro.imports.tables import check_requirement, root
from nixrepro.project import FILE
from nixrepro.tables import Table
from nixrepro.toml_lines import line_of

_GROUP = "a group of its own: it is pinned and not wanted"


class Asked:
    """What a pyproject.toml asks for, by [project] or by [tool.poetry]."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._root = root(text, FILE)
        self._left: list[Left] = []

    def all(self) -> tuple[tuple[str, ...], tuple[Left, ...]] | None:
        """The requirements, and what could not be said; None where it names none at all."""
        own, poetry = self._root.table("project"), self._root.table("tool").table("poetry")
        if "dependencies" not in own and "dependencies" not in poetry:
            return None
        found = own.strings("dependencies")
        if "dependencies" not in own:
            found = tuple(dict.fromkeys(self._lines(poetry.table("dependencies"))))
        for group in (*poetry.table("group"), "dev-dependencies"):
            place = poetry.table("group").table(group).table("dependencies")
            if group == "dev-dependencies":
                place = poetry.table(group)
            if place.values:
                line = line_of(self._text, place.key)
                text = f"[{'.'.join(map(str, place.key))}]"
                self._left.append(Left(line, text, _GROUP, file=FILE))
        return found, tuple(self._left)

    def _lines(self, table: Table) -> Iterator[str]:
        for name in table:
            value = table.values[name]
            if name.lower() == "python":
                continue
            for asked in value if isinstance(value, list) else [value]:
                if not isinstance(asked, (str, dict)):
                    table.fail(name, "must be a string or a table")
                yield from self._line(table, name, asked)

    def _line(self, table: Table, name: str, asked: dict[str, Any] | str) -> Iterator[str]:
        line = line_of(self._text, (*table.key, name))
        if isinstance(asked, dict) and asked.get("optional"):
            reason = "optional: it is pinned and not wanted"
            self._left.append(Left(line, name, reason, file=FILE))
            return
        try:
            text = wanted.requirement(name, asked)
        except wanted.Elsewhere as error:
            self._left.append(Left(line, name, str(error), wanted=True, file=FILE))
            return
        except wanted.Unsaid as error:
            text = f"the range of versions of {name}"
            self._left.append(Left(line, text, str(error), file=FILE))
            any_version = {**asked, "version": "*"} if isinstance(asked, dict) else "*"
            text = wanted.requirement(name, any_version)
        except ValueError as error:
            table.fail(name, str(error))
        yield check_requirement(text, FILE, line)

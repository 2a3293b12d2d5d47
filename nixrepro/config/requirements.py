"""Gathers the requirements that a pyproject.toml makes, through extras and dependency groups."""

from __future__ import annotations

import re

from nixrepro.names import normalise
from nixrepro.tables import Table, not_one_of

_START = re.compile(r"[A-Za-z0-9][^\n]*")
_OWN_EXTRAS = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*\[([^\]]*)\]\s*")


def gather(
    root: Table, *, project: bool, extras: tuple[str, ...], groups: tuple[str, ...]
) -> tuple[str, ...]:
    """All requirements wanted, as PEP 508 lines in file order, each once.

    Args:
        root: the whole of pyproject.toml.
        project: whether `[project].dependencies` are wanted.
        extras: which of `[project.optional-dependencies]`.
        groups: which of `[dependency-groups]`.

    Raises:
        ConfigError: an extra or group is not there, includes itself, or is not a list of strings.
    """
    found: dict[str, None] = {}
    own = root.table("project")
    if project and "project" in root:
        _refuse_dynamic(own)
        found.update(dict.fromkeys(own.strings("dependencies", _START, "a requirement")))
    for extra in extras:
        found.update(dict.fromkeys(_extra(root, extra, ())))
    for group in groups:
        found.update(dict.fromkeys(_group(root, group, ())))
    return tuple(found)


def _refuse_dynamic(own: Table) -> None:
    if "dependencies" in own.strings("dynamic"):
        own.fail(
            "dynamic",
            "leaves the dependencies to a build, so they can't be read",
            "list them under project.dependencies, or in a dependency group named in "
            "tool.nixrepro.wheels.groups with project = false",
        )


def _pick(table: Table, wanted: str, asked: Table, key: str) -> str:
    by_name = {normalise(name): name for name in table}
    if normalise(wanted) not in by_name:
        asked.fail(key, *not_one_of(wanted, list(table)))
    return by_name[normalise(wanted)]


def _asked(root: Table) -> Table:
    return root.table("tool").table("nixrepro").table("wheels")


def _extra(root: Table, wanted: str, above: tuple[str, ...]) -> list[str]:
    own = root.table("project")
    table = own.table("optional-dependencies")
    name = _pick(table, wanted, _asked(root), "extras")
    if name in above:
        table.fail(name, "includes itself")
    found: list[str] = []
    for line in table.strings(name, _START, "a requirement"):
        inner = _OWN_EXTRAS.fullmatch(line)
        if inner and normalise(inner[1]) == normalise(own.string("name")):
            for other in inner[2].split(","):
                found += _extra(root, other.strip(), (*above, name))
        else:
            found.append(line)
    return found


def _group(root: Table, wanted: str, above: tuple[str, ...]) -> list[str]:
    table = root.table("dependency-groups")
    asked, key = (table, above[-1]) if above else (_asked(root), "groups")
    name = _pick(table, wanted, asked, key)
    if name in above:
        table.fail(name, "includes itself")
    items = table.values[name]
    if not isinstance(items, list):
        table.fail(name, "must be a list of requirements")
    found: list[str] = []
    for item in items:
        if isinstance(item, str) and _START.fullmatch(item):
            found.append(item)
        elif isinstance(item, dict) and list(item) == ["include-group"]:
            found += _group(root, str(item["include-group"]), (*above, name))
        else:
            table.fail(name, f"holds what is neither a requirement nor an include: {item!r}")
    return found

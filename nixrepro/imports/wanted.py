"""PEP 508 lines out of the tables in which Poetry and Pipenv say what is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nixrepro.names import normalise
from nixrepro.urls import is_remote, public

_NOT_FILES = ("git", "hg", "svn", "bzr")
_FOLDERS = ("path", "directory", "virtual", "editable", "workspace")
_OPERATOR = re.compile(r"(\^|~=|~|===|==|=|!=|<=|>=|<|>)?(.+)")
_MARKERS = (
    "os_name", "sys_platform", "platform_machine", "platform_python_implementation",
    "platform_release", "platform_system", "platform_version", "python_version",
    "python_full_version", "implementation_name", "implementation_version",
)  # fmt: skip


class Elsewhere(Exception):
    """It is not to be had from an index or by the URL of a file; the text says where it is."""


class Unsaid(Exception):
    """A range of versions that PEP 440 has no words for; the text says why."""


def line(
    name: str,
    *,
    specifier: str = "",
    extras: tuple[str, ...] = (),
    marker: str = "",
    url: str = "",
) -> str:
    """One requirement as PEP 508 spells it."""
    asked = normalise(name)
    if extras:
        asked += f"[{','.join(sorted(extras))}]"
    asked += f" @ {url}" if url else specifier
    return f"{asked} ; {marker}" if marker else asked


def requirement(name: str, asked: Mapping[str, Any] | str) -> str:
    """The PEP 508 line of an entry such as `"^1.2"` or `{version = "1.2", extras = ["x"]}`.

    Raises:
        Elsewhere: it comes from a repository or a folder.
        Unsaid: its range of versions can't be said.
        ValueError: it is none; with the reason.
    """
    table = {"version": asked} if isinstance(asked, str) else asked
    for key in (*_NOT_FILES, *_FOLDERS):
        if table.get(key):
            what = "a repository" if key in _NOT_FILES else "a folder"
            raise Elsewhere(f"comes from {what}: {public(str(table[key]))}")
    url = str(table.get("url") or table.get("file") or "")
    if url and not is_remote(url):
        raise Elsewhere(f"comes from a file of this machine: {url}")
    return line(
        name,
        specifier="" if url else specifier(str(table.get("version", "*"))),
        extras=tuple(map(str, table.get("extras", ()))),
        marker=_marker(table),
        url=public(url),
    )


def specifier(constraint: str) -> str:
    """The PEP 440 specifier of a Poetry or Pipenv constraint, "" for any version.

    Raises:
        Unsaid: there is none, such as for `1.2 || 2.0`.
        ValueError: it is no constraint; with the reason.
    """
    if "|" in constraint:
        raise Unsaid(f"{constraint!r} is one range or another; what is pinned decides")
    tight = re.sub(r"([<>=!~^])\s+", r"\1", constraint.strip())
    return ",".join(filter(None, map(_one, re.split(r"[\s,]+", tight))))


def both(*markers: str) -> str:
    """One marker that holds where all of them do."""
    given = [marker for marker in markers if marker]
    if given[1:] == []:
        return "".join(given)
    return " and ".join(f"({each})" if " or " in each else each for each in given)


def either(*markers: str) -> str:
    """One marker that holds where one of them does; "" as soon as one of them is always true."""
    if not all(markers):
        return ""
    given = list(dict.fromkeys(markers))
    return given[0] if len(given) == 1 else " or ".join(f"({each})" for each in given)


def _one(part: str) -> str:
    found = _OPERATOR.fullmatch(part)
    operator, version = (found[1] or "", found[2]) if found else ("", "")
    if version in ("", "*"):
        return ""
    if operator in ("", "=", "=="):
        return f"=={version}"
    return _range(operator, version) if operator in ("^", "~") else part


def _range(operator: str, version: str) -> str:
    """`^1.2.3` is up to the first number that is not 0, `~1.2.3` up to the second."""
    from packaging.version import InvalidVersion, Version

    try:
        release = Version(version).release
    except InvalidVersion:
        raise ValueError(f"{version!r} is no version") from None
    if operator == "~":
        place = min(1, len(release) - 1)
    else:
        place = next((at for at, each in enumerate(release) if each), len(release) - 1)
    end = [*release[:place], release[place] + 1]
    return f">={version},<{'.'.join(map(str, end))}"


def _marker(table: Mapping[str, Any]) -> str:
    python = str(table.get("python", "*"))
    markers = [str(table.get("markers", "")), _python(python)]
    if table.get("platform"):
        markers.append(f"sys_platform == '{table['platform']}'")
    for name in _MARKERS:
        if table.get(name):
            markers.append(f"{name} {table[name]}")  # Pipenv's: sys_platform = "== 'linux'"
    return both(*markers)


def _python(constraint: str) -> str:
    """`^3.8` as a marker of the Python it asks for."""
    if "|" in constraint:
        return either(*(_python(each.strip()) for each in re.split(r"\|+", constraint)))
    found = []
    for part in filter(None, specifier(constraint).split(",")):
        operator = re.match(r"[<>=!~]+", part)
        assert operator is not None
        version = part[operator.end() :]
        exact = version.count(".") > 1 and "*" not in version
        name = "python_full_version" if exact else "python_version"
        found.append(f"{name} {operator[0]} '{version}'")
    return both(*found)

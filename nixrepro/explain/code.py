"""Which changed files count as code: what is an input of the lock or of the settings does not."""

from __future__ import annotations

from typing import Any

from nixrepro.config import FILE as PROJECT
from nixrepro.explain.names import files
from nixrepro.explain.sides import Side
from nixrepro.lock import FILE as LOCK

# These reach a run by the lock and the settings alone, which are taken over by themselves.
_ELSEWHERE = ("build-system", "project", "dependency-groups")


def changed(text: str, a: Side, b: Side) -> tuple[str, ...]:
    """The files of the code that differ, of what `git diff` says between two trees.

    Args:
        text: with the prefixes a/ and b/.
        a: the first run.
        b: the second run.
    """
    above = f"{a.inside}/" if a.inside else ""
    besides = {f"{above}{LOCK}"}
    if _same_program(a.project, b.project):
        besides.add(f"{above}{PROJECT}")
    return tuple(name for name in files(text) if name not in besides)


def _same_program(old: str, new: str) -> bool:
    """Whether nothing in two pyproject.toml differs that only the program could read."""
    return bool(old and new) and _rest(old) == _rest(new)


def _rest(text: str) -> Any:
    import tomli

    try:
        found = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return text
    tools = {name: each for name, each in found.get("tool", {}).items() if name != "nixrepro"}
    return {**{name: each for name, each in found.items() if name not in _ELSEWHERE}, "tool": tools}

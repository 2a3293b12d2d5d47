"""Where data by reference lies: at its path in the project, or where a person linked it to."""

from __future__ import annotations

import os

from . import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PLACES = os.path.join(FOLDER, "places")


def link(project: str, name: str) -> str:
    """The link by which a person says where data lies on this machine; it is not committed."""
    return os.path.join(project, PLACES, name)


def place(project: str, name: str, entry: dict[str, Any]) -> str:
    """Where data is to be, as an absolute path; "" where nobody says.

    Args:
        project: the project's folder.
        name: of the data.
        entry: what the settings say of it: `path`, and `place` where that was settled already.
    """
    stated = entry.get("place", "")
    if stated:
        return str(stated)
    path = link(project, name)
    if os.path.islink(path):
        return os.path.join(os.path.dirname(path), os.readlink(path))
    inside = entry.get("path", "")
    return os.path.join(os.path.abspath(project), inside) if inside else ""


def absent(name: str, where: str, entry: dict[str, Any]) -> str:
    """The sentence on data that is not there."""
    inside = entry.get("path", "")
    there = f"is not at {where}" if where else "lies somewhere on each machine"
    if entry.get("dvc"):
        return f"data {name!r} {there}: run `dvc pull {entry['dvc']}`"
    put = f"put it at {inside}, or " if inside else ""
    return f"data {name!r} {there}: {put}run `nixrepro data add {name} FOLDER` where it is"

"""What two runs, locks, git revisions, store paths or environments differ in, layer by layer."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from nixrepro.diff import objects, results, revisions
from nixrepro.diff.compare import compare
from nixrepro.diff.model import CHANGED, CONTENT, STORE, Change, Difference, Part, Side
from nixrepro.diff.sides import find

__all__ = ["Difference", "Side", "compare", "difference", "find"]


def difference(root: Path, a: Side, b: Side) -> Difference:
    """Compare two sides, and look into the store and into git for what changed.

    Args:
        root: the project's folder, whose repository holds the code.
        a: the first.
        b: the second.

    Raises:
        OSError: a file of the store or of a record can't be read.
    """
    from nixrepro.data import differing

    found = compare(a, b, results.compare(a.record, b.record))
    parts = []
    for part in found.parts:
        if part.layer == "code":
            parts.append(_with_text(root, part, a, b))
        elif part.layer == "data" and a.record and b.record:
            parts.append(differing.named(part, root, a.record, b.record))
        elif part.changes and part.layer in ("system", "accelerator", "wheels", STORE):
            parts.append(_with_objects(part, a, b))
        else:
            parts.append(part)
    return replace(found, parts=tuple(parts), probe=_probes(a, b))


def _probes(a: Side, b: Side) -> tuple[tuple[str, Any, Any], ...]:
    """The functions in which the arithmetic of two runs differs."""
    from nixrepro.probe import compare as functions

    one, two = ((side.record.document.get("probe") or {}) if side.record else {} for side in (a, b))
    return tuple((each.name, each.a, each.b) for each in functions(one, two))


def _with_text(root: Path, part: Part, a: Side, b: Side) -> Part:
    if a.code is None or b.code is None or not any(c.subject == "tree" for c in part.changes):
        return part
    text, reason = revisions.changes(root, a.code, b.code)
    unknown = (*part.unknown, ("git diff", reason)) if reason else part.unknown
    return replace(part, text=text, unknown=unknown)


def _with_objects(part: Part, a: Side, b: Side) -> Part:
    """Name the shared objects that changed, where both store paths are there."""
    places = [_places(part.layer, side) for side in (a, b)]
    lacking = ""
    changes: list[Change] = []
    for change in part.changes:
        detail: tuple[str, ...] = ()
        if change.kind in (CHANGED, CONTENT):
            old, new = (each.get(change.subject, "") for each in places)
            if not old or not new:
                lacking = lacking or "a lock doesn't say what its artefacts become in the store"
            elif not (os.path.isdir(old) and os.path.isdir(new)):
                gone = new if os.path.isdir(old) else old
                lacking = lacking or ("" if os.path.exists(gone) else f"{gone} is not in the store")
            else:
                detail = objects.changed(old, new)
        changes.append(replace(change, detail=detail))
    unknown = (*part.unknown, ("shared objects", lacking)) if lacking else part.unknown
    return replace(part, changes=tuple(changes), unknown=unknown)


def _places(layer: str, side: Side) -> dict[str, str]:
    """The store path of each package that has just one."""
    from nixrepro.diff.names import store_packages

    packages = side.packages.get(layer, ())
    if layer == STORE and side.closure is not None:
        packages = store_packages(side.closure)
    found: dict[str, str] = {}
    for each in packages:
        if not each.role:
            found[each.name] = "" if each.name in found else each.path
    return found

"""Names the files in which the data of two runs differs, by the lists that the project keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nixrepro.diff.model import ADDED, REMOVED, Part
from nixrepro.record import Record
from nixrepro.runtime.datasets.listing import Changes, load

_SIGNS = (("changed", "~"), ("appeared", "+"), ("gone", "-"))


def named(part: Part, root: Path, a: Record, b: Record) -> Part:
    """The data layer's part, with the names of the files that differ, and what is not known.

    Args:
        part: as the digests tell it.
        root: the project's folder.
        a: the first run.
        b: the second run.
    """
    old, new = (_digests(record) for record in (a, b))
    unknown = list(part.unknown)
    changes = []
    for change in part.changes:
        was, now = old.get(change.subject), new.get(change.subject)
        detail = change.detail
        if change.kind not in (ADDED, REMOVED) and _is_folder(was) and _is_folder(now):
            lists = [load(str(root), str(each)) for each in (was, now)]
            if lists[0] is None or lists[1] is None:
                unknown.append((change.subject, "the list of its files is not kept here"))
            else:
                detail = _detail(Changes(lists[0], lists[1]))
        changes.append(replace(change, detail=detail))
    for name in sorted(old.keys() & new.keys()):
        reasons = [each["unknown"] for each in (old[name], new[name]) if isinstance(each, dict)]
        unknown += [(name, str(reason)) for reason in dict.fromkeys(reasons)]
    return replace(part, changes=tuple(changes), unknown=tuple(unknown))


def _digests(record: Record) -> Mapping[str, Any]:
    return {
        str(each["name"]): each["digest"]
        for each in record.document["layers"].get("data", [])
        if "digest" in each
    }


def _is_folder(digest: Any) -> bool:
    return isinstance(digest, str) and (digest.startswith("merkle:") or digest.endswith(".dir"))


def _detail(changes: Changes) -> tuple[str, ...]:
    """Each file with a sign: changed, there only in the second run, or only in the first."""
    return tuple(f"{sign}{name}" for key, sign in _SIGNS for name in getattr(changes, key))

"""Compares what two runs computed: metrics, weights, and the first place where they part."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from nixrepro.diff import steps
from nixrepro.diff.model import Results
from nixrepro.diff.steps import Parting
from nixrepro.record import Record

__all__ = ["Parting", "compare", "parting"]


def parting(a: Record, b: Record) -> Parting | None:
    """The first place where the numbers of two runs part; by steps where both recorded them.

    Raises:
        OSError: a file of steps can't be read.
    """
    found = [next(_by_epochs(a, b), None), steps.part(a, b)]
    return min((each for each in found if each), key=lambda each: each.order, default=None)


def compare(a: Record | None, b: Record | None) -> Results:
    """How the results of two runs differ; unknown unless both sides are runs.

    Raises:
        OSError: a file of steps can't be read.
    """
    if a is None or b is None:
        only = "only one side is a run" if a or b else ""
        return Results(unknown=only)
    place = parting(a, b)
    prints = [record.document.get("fingerprint", {}) for record in (a, b)]
    unknown = ""
    for key in ("weights", "metrics"):
        if not all(isinstance(each.get(key), str) for each in prints):
            unknown = unknown or f"{key}: {_reason(prints, key)}"
    known = [key for key in ("weights", "metrics") if not unknown.startswith(key)]
    same = all(_agree(prints, key) for key in ("weights", "metrics"))
    tensors = _tensors(a, b)
    return Results(
        metrics=(*_exit(a, b), *_metrics(a, b)),
        weights=(_digest(prints[0]), _digest(prints[1])),
        tensors=tensors,
        parting=str(place) if place else "",
        values=(place.a, place.b) if place else ("", ""),
        same=same and place is None and not any(_exit(a, b)),
        unknown=unknown if len(known) < 2 else "",  # noqa: PLR2004
    )


def _by_epochs(a: Record, b: Record) -> Iterator[Parting]:
    one, two = (record.document.get("result", {}) for record in (a, b))
    for number, (old, new) in enumerate(zip_longest(_list(one, "fits"), _list(two, "fits")), 1):
        if old is None or new is None:
            counts = (str(len(_list(each, "fits"))) for each in (one, two))
            yield Parting(number, None, None, "the number of fits", *counts)
            return
        yield from _fit(number, old, new)
    for name in ("evaluations", "weights"):
        entries = zip_longest(_list(one, name), _list(two, name))
        for number, (old, new) in enumerate(entries, 1):
            what = "evaluation" if name == "evaluations" else "weights taken by the program"
            yield from _tables(0, None, f"{what} {number}: ", _plain(old), _plain(new))
    # Imported here: it is needed by runs alone, and brings the way to repeat them.
    from nixrepro.repeat.logged import logged

    for each in logged(a.document, b.document, (a.folder, b.folder)):
        yield Parting(0, None, None, f"the logged {each.name}{each.where}", each.a, each.b)


def _fit(number: int, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Parting]:
    epochs = old.get("epochs", []), new.get("epochs", [])
    for epoch, (was, now) in enumerate(zip(*epochs, strict=False), 1):
        yield from _tables(number, epoch, "", was, now)
    if len(epochs[0]) != len(epochs[1]):
        counts = (str(len(each)) for each in epochs)
        first = min(map(len, epochs)) + 1
        yield Parting(number, first, None, "the number of epochs", *counts)
    digests = old.get("weights"), new.get("weights")
    if all(isinstance(each, str) for each in digests) and digests[0] != digests[1]:
        names = _changed(old, new)
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        subject = f"the weights of {names[0]}{more}" if names else "the weights"
        yield Parting(number, None, None, subject, *(str(each)[:12] for each in digests))


def _tables(
    fit: int, epoch: int | None, where: str, old: dict[str, Any], new: dict[str, Any]
) -> Iterator[Parting]:
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    if names:
        # The loss is what training goes by; the others follow it.
        names.sort(key=lambda name: name != "loss")
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        values = (str(each.get(names[0], "none")) for each in (old, new))
        yield Parting(fit, epoch, None, f"{where}{names[0]}{more}", *values)


def _plain(entry: dict[str, Any] | None) -> dict[str, Any]:
    if entry is None:
        return {}
    metrics = entry.get("metrics")
    if isinstance(metrics, dict):
        return metrics
    return {"weights": entry["weights"]} if isinstance(entry.get("weights"), str) else {}


def _exit(a: Record, b: Record) -> Iterator[tuple[str, Any, Any, None]]:
    """How both ended, where they ended in two ways."""
    old, new = (record.document["exit"].get("status") for record in (a, b))
    if old != new:
        yield "exit status", old, new, None


def _metrics(a: Record, b: Record) -> Iterator[tuple[str, Any, Any, float | None]]:
    old, new = (record.document.get("result", {}).get("final", {}) for record in (a, b))
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        numbers = all(isinstance(each, (int, float)) for each in (was, now))
        yield name, was, now, now - was if numbers else None


def _tensors(a: Record, b: Record) -> tuple[tuple[str, ...], int]:
    """Of the last fits: the tensors that differ, and how many there are."""
    fits = [_list(record.document.get("result", {}), "fits") for record in (a, b)]
    if not fits[0] or not fits[1]:
        return (), 0
    return tuple(_changed(fits[0][-1], fits[1][-1])), len(fits[0][-1].get("tensors", []))


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    nothing: dict[str, Any] = {}
    pairs = zip_longest(old.get("tensors", []), new.get("tensors", []), fillvalue=nothing)
    keys = ("dtype", "shape", "sha256")
    return [
        str(was.get("name") or now.get("name") or place)
        for place, (was, now) in enumerate(pairs, 1)
        if any(was.get(key) != now.get(key) for key in keys)
    ]


def _list(table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = table.get(key)
    return found if isinstance(found, list) else []


def _agree(prints: list[dict[str, Any]], key: str) -> bool:
    old, new = (each.get(key) for each in prints)
    return not (isinstance(old, str) and isinstance(new, str)) or old == new


def _reason(prints: list[dict[str, Any]], key: str) -> str:
    for each in prints:
        value = each.get(key)
        if not isinstance(value, str):
            return str(value["unknown"]) if isinstance(value, dict) else "the run has not ended"
    return ""


def _digest(fingerprint: dict[str, Any]) -> str:
    value = fingerprint.get("weights")
    return value if isinstance(value, str) else ""

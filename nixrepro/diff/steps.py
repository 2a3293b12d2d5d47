"""Reads what runs recorded after their training steps, and finds the first step that differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nixrepro.errors import RunError
from nixrepro.record import Record
from nixrepro.runtime.step_writer import FILE

_LOSS, _TENSORS = 3, 4


@dataclass(frozen=True)
class Parting:
    """The first place where the numbers of two runs are not the same.

    Args:
        fit: which fit of the run, from 1; 0 outside of one.
        epoch: which epoch of the fit, from 1; None where no epoch is concerned.
        step: which step of the epoch (outside of a fit: of the loop), from 1; None where the
            steps are not known.
        subject: what differs there.
        a: what the first run has there.
        b: what the second run has there.
    """

    fit: int
    epoch: int | None
    step: int | None
    subject: str
    a: str
    b: str

    def __str__(self) -> str:
        places = [f"fit {self.fit}"] if self.fit > 1 or (self.fit and not self.epoch) else []
        places += [f"epoch {self.epoch}"] if self.epoch else []
        places += [f"step {self.step}"] if self.step else []
        if self.step and not self.fit:
            places[-1] += " of the program's own loop"
        return f"{', '.join(places)}: {self.subject}" if places else self.subject

    @property
    def order(self) -> tuple[float, float, float]:
        """Earlier places come first; a known step before the epoch that it is in."""
        never = float("inf")
        return (self.fit or never, self.epoch or never, self.step or never)


def part(a: Record, b: Record) -> Parting | None:
    """The first recorded step whose loss or weights differ; None where no common one does.

    Raises:
        OSError: a file can't be read.
        RunError: a file is not what a run writes.
    """
    try:
        return _part(a, b)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        places = " or ".join(str(record.folder / FILE) for record in (a, b))
        raise RunError(
            f"{places} is broken: {error}", hint="remove it; the epochs are compared then"
        ) from error


def _part(a: Record, b: Record) -> Parting | None:
    files = [record.folder / FILE for record in (a, b)]
    if not all(file.is_file() for file in files):
        return None
    every = [_every(record) for record in (a, b)]
    if every[0] == every[1]:
        return _side_by_side(*files)
    # The one that has fewer steps is kept in memory; where a run was interrupted, either may be.
    swapped = (every[0] or 1) > (every[1] or 1)
    found = _common(files[1], files[0]) if swapped else _common(files[0], files[1])
    if found and swapped:
        return Parting(found.fit, found.epoch, found.step, found.subject, found.b, found.a)
    return found


def _every(record: Record) -> int | None:
    steps = record.document.get("result", {}).get("steps", {})
    return steps.get("every") if isinstance(steps, dict) else None


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        # A killed run, or a full disk, may leave half a line.
        yield from (line for line in stream if line.endswith(b"\n"))


def _side_by_side(a: Path, b: Path) -> Parting | None:
    heads: dict[int, dict[str, Any]] = {}
    for old, new in zip_longest(_lines(a), _lines(b)):
        if old is None or new is None:
            return None  # one of them ended before: the epochs say when
        if old != new:
            return _compare(json.loads(old), json.loads(new), heads)
        if old.startswith(b"{"):
            head = json.loads(old)
            heads[head["part"]] = head
    return None


def _common(fine: Path, coarse: Path) -> Parting | None:
    """The first difference among the steps that both have."""
    kept, heads = {}, {}
    for line in _lines(coarse):
        item = json.loads(line)
        if isinstance(item, dict):
            heads[item["part"]] = item
        else:
            kept[tuple(item[:_LOSS])] = item
    for line in _lines(fine):
        item = json.loads(line)
        if isinstance(item, dict):
            other = heads.get(item["part"])
            if other is not None and other != item:
                return _compare(item, other, heads)
        else:
            there = kept.get(tuple(item[:_LOSS]))
            if there is not None and there != item:
                return _compare(item, there, heads)
    return None


def _compare(old: Any, new: Any, heads: dict[int, dict[str, Any]]) -> Parting:
    if isinstance(old, dict) and isinstance(new, dict):
        subject, values = "the model's tensors", [_tensors(each) for each in (old, new)]
        if values[0] == values[1]:
            subject, values = "which model is trained", [str(each["model"]) for each in (old, new)]
        return Parting(int(old["fit"]), None, None, subject, *values)
    if isinstance(old, dict) or isinstance(new, dict) or old[:_LOSS] != new[:_LOSS]:
        first = old if isinstance(old, list) else new
        fit = int(heads.get(first[0], {}).get("fit", 0))
        return Parting(fit, first[1], first[2], "the number of steps", _place(old), _place(new))
    head = heads[old[0]]
    names = [str(tensor[0]) for tensor in head["tensors"]]
    changed = [
        place for place in range(len(names)) if old[_TENSORS + place] != new[_TENSORS + place]
    ]
    where = (int(head["fit"]), old[1], old[2])
    if old[_LOSS] != new[_LOSS]:
        weights = f" and {len(changed)} of {len(names)} weights" if changed else ""
        return Parting(*where, f"the loss{weights}", str(old[_LOSS]), str(new[_LOSS]))
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    digests = (str(line[_TENSORS + changed[0]]) for line in (old, new))
    return Parting(*where, f"the weights of {names[changed[0]]}{more}", *digests)


def _tensors(head: dict[str, Any]) -> str:
    return ", ".join(f"{name} {kind} {shape}" for name, kind, shape in head["tensors"])


def _place(item: Any) -> str:
    if isinstance(item, dict):
        return f"fit {item['fit']} begins"
    return f"epoch {item[1]}, step {item[2]}" if item[1] else f"step {item[2]}"

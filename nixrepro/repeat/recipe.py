"""What a run is made again of: whose tree, which lock, settings, data and CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nixrepro.record import Record


@dataclass(frozen=True)
class Recipe:
    """A run to be made: a recorded one again, or one with parts of another.

    Args:
        code: the run whose tree it is; its folder holds the patch.
        settings: as the settings layer of a record says them.
        expected: the run whose environment must come out of it; None where no run had it.
        lock: the text of nixrepro.lock; "" for the tree's own.
        data: names of the pinned data that the program asks for.
        cpu: the CPU to run on, as `vcpu --show` says it; nothing for this machine's.
        cores: how many processors it may use; 0 for as many as there are.
        steps: digest loss and weights at each so many steps; None for never.
        project: the text of pyproject.toml; "" for the tree's own.
        compiler: the text of a lock whose gcc is to make a virtual CPU; "" for the tree's own.
        places: what stands in for data by reference, by its name; whole paths.
        digests: what these must be, where that tells one recipe from another.
    """

    code: Record
    settings: Mapping[str, Any]
    expected: Record | None = None
    lock: str = ""
    data: frozenset[str] = field(default_factory=frozenset)
    cpu: tuple[str, ...] = ()
    cores: int = 0
    steps: int | None = None
    project: str = ""
    compiler: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def of(record: Record, steps: int | None = None) -> Recipe:
    """The recipe of a recorded run, on this machine as it is."""
    return Recipe(
        code=record,
        settings=record.document["layers"]["settings"],
        expected=record,
        data=used(record),
        steps=steps,
    )


def used(record: Record) -> frozenset[str]:
    """Names of the pinned data that a run's program asked for."""
    said = record.document["result"].get("data", [])
    return frozenset(entry["name"] for entry in said if entry.get("pinned"))

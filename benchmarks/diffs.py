"""Two closures of ten thousand store paths each, made up, and how long comparing them takes."""

from __future__ import annotations

import time

import measure

from nixrepro.closure import Closure, StorePath
from nixrepro.diff import compare
from nixrepro.diff.known import of_closure

PATHS = 10_000


def closure(version: int) -> Closure:
    """Every third path is another one in another version; the names stay."""
    paths = []
    for number in range(1, PATHS + 1):
        moved = version if number % 3 == 0 else 0
        path = f"/nix/store/{number + moved * PATHS:032d}-p{number}-1.{number}"
        paths.append(StorePath(path, f"sha256:{number + moved:052d}", 1000))
    return Closure(tuple(paths))


def compared() -> measure.Reading:
    """One comparison, from the closures' lists to what differs.

    Raises:
        measure.Failed: it finds another number of differences than were made.
    """
    old, new = closure(0), closure(1)
    begun = time.perf_counter()
    found = compare(of_closure(old, "old"), of_closure(new, "new"))
    seconds = time.perf_counter() - begun
    if len(found.parts[-1].changes) != PATHS // 3:
        raise measure.Failed(f"{len(found.parts[-1].changes)} differences were found")
    return measure.Reading(seconds, 0.0)

"""Compares what two runs' programs logged: every value of every series, read from their events."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from nixrepro.canonical import json_bytes
from nixrepro.runtime.events import FILE


@dataclass(frozen=True)
class Series:
    """Where two runs' values of one name that the program logged part.

    Args:
        name: as the program logged it.
        where: the first step that differs, as the end of a subject.
        a: what the first run has there; its digest where the values themselves are not known.
        b: what the second run has there.
        deviation: the largest relative difference of all values; infinite where it is not known.
    """

    name: str
    where: str
    a: str
    b: str
    deviation: float


def digest_of(value: Any) -> str:
    """A digest as a sentence shows it: its first digits, or that there is none."""
    return value[:12] if isinstance(value, str) else "none"


def relative(a: object, b: object) -> float:
    """The difference of two values by the larger one; infinite where they are no numbers."""
    numbers = (int, float)
    if isinstance(a, numbers) and isinstance(b, numbers):
        try:
            return abs(a - b) / max(abs(a), abs(b)) if a != b else 0.0
        except OverflowError:  # a whole number that no float can hold
            return float("inf")
    return 0.0 if a == b else float("inf")


def logged(
    then: dict[str, Any], now: dict[str, Any], folders: tuple[Path, Path] | None
) -> list[Series]:
    """Of what two programs logged themselves what differs, in the order in which it came.

    Both files of events are read side by side, once, and only if a digest says that they differ.
    What they hold counts only where it has the digests of the records.
    """
    old, new = (document.get("result", {}).get("logged", {}) for document in (then, now))
    pairs = {
        name: _Pairs(old.get(name, {}), new.get(name, {}))
        for name in sorted(old.keys() | new.keys())
        if old.get(name, {}).get("digest") != new.get(name, {}).get("digest")
    }
    found: dict[str, _Pairs] = {}
    if pairs and folders:
        for events in zip_longest(*map(_events, folders)):
            for side, event in enumerate(events):
                for name, value in event["metrics"].items() if event else ():
                    if name not in pairs:
                        continue
                    pairs[name].take(side, [event.get("step"), value])
                    if pairs[name].parted:
                        found.setdefault(name, pairs[name])
    for name in pairs:
        if not (name in found and found[name].known):
            # A single value stands in the record.
            found[name] = _Pairs.recorded(old.get(name, {}), new.get(name, {}))
    return [each.series(name) for name, each in found.items()]


class _Pairs:
    """The steps and values of one name: what came from each of two runs, told place by place."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        """Nothing came yet; the entries are the records' own on this name."""
        self.digests = [entry.get("digest") for entry in entries]
        self.counts = [int(entry.get("count", 0)) for entry in entries]
        self.seen = [0, 0]
        self.sums = [hashlib.sha256(b"["), hashlib.sha256(b"[")]
        self.waiting: tuple[deque[Any], deque[Any]] = (deque(), deque())
        self.parted: tuple[int, Any, Any] | None = None
        self.deviation = 0.0
        self.broken = False

    @classmethod
    def recorded(cls, *entries: dict[str, Any]) -> _Pairs:
        """What the records themselves hold: all of it where that is one value."""
        made = cls(*entries)
        for side, entry in enumerate(entries):
            if made.counts[side] == 1:
                made.take(side, [entry.get("step"), entry.get("last")])
        return made

    def take(self, side: int, pair: list[Any]) -> None:
        """The next step and value of one of the runs."""
        try:
            text = json_bytes(pair)[:-1]
        except (ValueError, RecursionError):
            self.broken = True
            return
        place = self.seen[side]
        self.seen[side] += 1
        self.sums[side].update(b"," + text if place else text)
        there = self.waiting[1 - side]
        if self.deviation == float("inf"):
            there.clear()  # it can't become worse
        elif place >= self.counts[1 - side]:
            self._compare(side, place, (pair, text), (None, b""))
        elif there:
            self._compare(side, place, (pair, text), there.popleft())
        else:
            self.waiting[side].append((pair, text))

    def _compare(self, side: int, place: int, mine: Any, other: Any) -> None:
        if mine[1] == other[1]:
            return
        a, b = (mine[0], other[0]) if side == 0 else (other[0], mine[0])
        self.parted = self.parted or (place, a, b)
        one_place = a is not None and b is not None and a[0] == b[0]
        off = relative(a[1], b[1]) if one_place else float("inf")
        self.deviation = max(self.deviation, off)

    @property
    def known(self) -> bool:
        """Whether what came is what the records hold the digests of."""
        sums = [found.copy() for found in self.sums]
        for found in sums:
            found.update(b"]\n")
        return not self.broken and all(
            found.hexdigest() == digest if count else not seen
            for found, digest, count, seen in zip(
                sums, self.digests, self.counts, self.seen, strict=True
            )
        )

    def series(self, name: str) -> Series:
        """Where they part."""
        if self.parted is None or not self.known:
            a, b = map(digest_of, self.digests)
            return Series(name, " (its digest)", a, b, float("inf"))
        place, *pairs = self.parted
        steps = {pair[0] for pair in pairs if pair}
        where = f" at value {place + 1}" if max(self.counts) > 1 else ""
        if len(steps) == 1 and None not in steps:
            where = f" at step {steps.pop()}"
        said = ["none" if pair is None else str(pair[1]) for pair in pairs]
        if len(steps) > 1:
            on = ["without a step" if pair[0] is None else f"at step {pair[0]}" for pair in pairs]
            said = [f"{text} {each}" for text, each in zip(said, on, strict=True)]
        return Series(name, where, said[0], said[1], self.deviation)


def _events(folder: Path) -> Iterator[dict[str, Any]]:
    """What a run's program logged, line by line; what can't be read is left out."""
    path = folder / FILE
    try:
        if not path.is_file():  # nobody may ever write into a pipe
            return
        with path.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if '"log"' not in line:
                    continue
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if not isinstance(event, dict) or event.get("event") != "log":
                    continue
                if isinstance(event.get("metrics"), dict):
                    yield event
    except OSError:
        return

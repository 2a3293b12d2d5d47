"""Times a program and its peak memory, and boils several readings down to one."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Word = str | Path


@dataclass(frozen=True)
class Reading:
    """Wall time in seconds, and the largest resident set of the process and its children in MiB."""

    seconds: float
    mebibytes: float
    output: str = ""

    def __add__(self, other: Reading) -> Reading:
        return Reading(
            self.seconds + other.seconds, max(self.mebibytes, other.mebibytes), other.output
        )


class Failed(Exception):
    """A program that was to be measured failed; holds the end of what it said."""


def run(
    argv: Sequence[Word],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Reading:
    """Run a program to its end, with `env` on top of this process's variables.

    Raises:
        Failed: it is missing or its exit status is not 0.
    """
    variables = {**os.environ, **(env or {})}
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as talk:
        start = time.perf_counter()
        try:
            child = subprocess.Popen(
                words, env=variables, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=talk
            )
        except FileNotFoundError as error:
            raise Failed(f"there is no program {words[0]}") from error
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        talk.seek(0)
        output = said.read().decode(errors="replace")
        if child.returncode:
            tail = (output + talk.read().decode(errors="replace")).strip().splitlines()[-12:]
            raise Failed("\n".join([f"{' '.join(words)}: exit status {child.returncode}", *tail]))
    return Reading(seconds, usage.ru_maxrss / 1024, output)


def median(times: int, reading: Callable[[], Reading]) -> Reading:
    """The middle one of several readings, by time; one more is made first, to warm up."""
    reading()
    return middle([reading() for _ in range(times)])


def alternately(
    times: int, first: Callable[[], Reading], second: Callable[[], Reading]
) -> tuple[Reading, Reading]:
    """The middle readings of two programs run in turn, so that a slow moment hits both."""
    first()
    second()
    pairs = [(first(), second()) for _ in range(times)]
    return middle([pair[0] for pair in pairs]), middle([pair[1] for pair in pairs])


def middle(readings: Sequence[Reading]) -> Reading:
    """The reading with the median time; the lower one of two."""
    return sorted(readings, key=lambda reading: reading.seconds)[(len(readings) - 1) // 2]

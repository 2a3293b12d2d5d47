"""Data by reference: a first digest beside sha256sum on all processors, and a look at it again."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import measure
from table import Row

from nixrepro.runtime.datasets.cache import RESOLUTION

FILES, FOLDERS = 100_000, 100
LARGE, LARGE_SIZE = 4, 512 << 20
# In a new process each, as a run does it.
_DIGEST = (
    "import os, sys\n"
    "from nixrepro_runtime.datasets.digesting import digest\n"
    "print(digest(os.fsencode(sys.argv[1]), sys.argv[2]).count)\n"
)
_SUMS = 'find "$1" -type f -print0 | xargs -0 -P "$(nproc)" -n "$2" sha256sum | wc -l'


@dataclass(frozen=True)
class Data:
    """A folder, the project that knows of it, and the Python that digests it."""

    python: Path
    folder: Path
    project: Path
    together: int

    def digested(self, afresh: bool) -> measure.Reading:
        """One digest, by what is known or from nothing."""
        if afresh:
            shutil.rmtree(self.project, ignore_errors=True)
        return measure.run([self.python, "-c", _DIGEST, self.folder, self.project])

    def summed(self) -> measure.Reading:
        """The same bytes by sha256sum."""
        return measure.run(["sh", "-c", _SUMS, "sh", self.folder, str(self.together)])


def rows(python: Path, folder: Path, times: int) -> list[Row]:
    """Many small files and a few large ones.

    Args:
        python: the closure's.
        folder: takes them; it is on the disk that is measured.
        times: readings of a figure.

    Raises:
        measure.Failed: a program failed.
    """
    many = Data(python, folder / "many", folder / "many-known", 256)
    few = Data(python, folder / "few", folder / "few-known", 1)
    size = _lay_many(many.folder)
    _lay_few(few.folder)
    time.sleep(RESOLUTION / 1e9)  # what is newer than that is read again
    found = []
    for data, what in ((many, f"{FILES:,} files, {size >> 20} MiB"), (few, "4 files, 2048 MiB")):
        own, theirs = measure.alternately(times, lambda d=data: d.digested(True), data.summed)
        peer = "sha256sum by xargs, a process for each core"
        found.append(Row(f"first digest of {what}", own.seconds, peer, theirs.seconds))
    again = measure.median(times, lambda: many.digested(False))
    found.append(Row(f"a look at these {FILES:,} files again", again.seconds, most=2))
    return found


def _lay_many(folder: Path) -> int:
    size = 0
    for number in range(FOLDERS):
        inner = folder / f"class{number:03}"
        inner.mkdir(parents=True)
        for each in range(FILES // FOLDERS):
            data = os.urandom(16) * (128 + each * 7 % 512)
            (inner / f"image{each:05}.bin").write_bytes(data)
            size += len(data)
    return size


def _lay_few(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(LARGE):
        block = os.urandom(1 << 20)
        with (folder / f"part{number}.bin").open("wb") as file:
            for _ in range(LARGE_SIZE >> 20):
                file.write(block)

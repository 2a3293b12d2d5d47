"""What the virtual CPU costs: at a program's start, and of a training's wall time."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measure
from table import Row

EPOCHS = 200
STARTS = 41
# Of the libraries, all of them, so that both sides of a ratio share their work alike.
THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip
_VARIABLES = {
    **dict.fromkeys(THREADS, "2"),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "NIXREPRO_SEED": "42",
}
# The example for many epochs; how long it took up to the first one, and each of them.
PROGRAM = """
import time
begun = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
ticks = int(open("/proc/self/stat").read().rpartition(") ")[2].split()[19])
import json, os, sys
sys.path.insert(0, sys.argv[1])
import digits
from tensorflow import keras
keras.utils.set_random_seed(42)
x, _, y, _ = digits.digits()
class Times(keras.callbacks.Callback):
    seconds = []
    def on_train_begin(self, logs=None):
        Times.first = time.time() - begun - ticks / os.sysconf("SC_CLK_TCK")
    def on_epoch_begin(self, epoch, logs=None): self.began = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None): self.seconds.append(time.perf_counter() - self.began)
model = digits.network(x.shape[1:])
model.fit(x, y, epochs=int(sys.argv[2]), batch_size=32, verbose=0, callbacks=[Times()])
print(json.dumps([Times.first, Times.seconds]))
"""


@dataclass(frozen=True)
class Virtual:
    """The closure's vcpu, and the list of the closure's places that it replaces."""

    program: Path
    sites: Path

    def words(self, *cpu: measure.Word) -> list[measure.Word]:
        """What stands before a command."""
        return [self.program, "--exact", "--sites", self.sites, *cpu, "--"]


def starts(virtual: Virtual, program: Path) -> Row:
    """A program that ends at once, with and without; the goal is what is added."""
    words = virtual.words("--cpu", "x86-64-v3")
    own, plain = _pairs(STARTS, lambda: [*words, program], lambda: [program])
    added = statistics.median(one - other for one, other in zip(own, plain, strict=True))
    what = f"added to a start by the virtual CPU (to {1000 * statistics.median(plain):.1f} ms)"
    return Row(what, 1000 * added, unit="ms", most=50)


def trainings(
    virtual: Virtual, python: Path, train: Path, folder: Path, times: int
) -> tuple[Row, Row]:
    """The example for many epochs: on the machine's own table, and on the portable profile's.

    With its own table a program computes by the same instructions as without, so that the ratio
    is what vcpu itself costs, its exact instructions included. A run's seconds are those up to the
    first epoch and those of its epochs; of all runs the fastest counts, since other work on the
    machine only ever adds.

    Args:
        virtual: what is measured.
        python: the closure's.
        train: the folder with the example.
        folder: for a file.
        times: runs of each.

    Raises:
        measure.Failed: one of them failed.
    """
    own = folder / "own.cpu"
    own.write_text(measure.run([virtual.program, "--show"]).output)
    command: list[measure.Word] = [python, "-c", PROGRAM, train, str(EPOCHS)]
    sides: list[list[measure.Word]] = [
        command,
        [*virtual.words("--table", own), *command],
        [*virtual.words("--cpu", "x86-64-v3"), *command],
    ]
    firsts: list[list[float]] = [[], [], []]
    epochs: list[list[float]] = [[], [], []]
    for number in range(times):
        for side in (number % 3, (number + 1) % 3, (number + 2) % 3):
            said = measure.run(sides[side], env=_VARIABLES).output.splitlines()[-1]
            first, seconds = json.loads(said)
            firsts[side].append(first)
            epochs[side] += seconds
    plain, same, portable = (
        min(first) + EPOCHS * min(all_) for first, all_ in zip(firsts, epochs, strict=True)
    )
    beside = "the same without"
    return (
        Row("training on the machine's own table", same, beside, plain, most_ratio=1.02),
        Row("training on x86-64-v3", portable, beside, plain),
    )


def _pairs(
    times: int,
    first: Callable[[], list[measure.Word]],
    second: Callable[[], list[measure.Word]],
) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn, the first one first in every other pair; after one to warm up."""
    found: tuple[list[float], list[float]] = ([], [])
    measure.run(first(), env=_VARIABLES)
    for number in range(times):
        sides = [(found[0], first), (found[1], second)]
        for seconds, words in sides if number % 2 else reversed(sides):
            seconds.append(measure.run(words(), env=_VARIABLES).seconds)
    return found

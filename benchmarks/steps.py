"""What digests after every training step cost, by the times of single epochs."""

from __future__ import annotations

import json
from pathlib import Path

import measure

EPOCHS, STEPS = 40, 45
# The example's network on its own digits, as they are or enlarged to the size of MNIST's.
PROGRAM = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import digits, numpy as np
from tensorflow import keras
keras.utils.set_random_seed(42)
x, _, y, _ = digits.digits()
if sys.argv[2] == "28":
    x = np.pad(np.kron(x, np.ones((3, 3), "float32")), ((0, 0), (2, 2), (2, 2)))
class Times(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, epoch, logs=None): self.begun = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None): self.seconds.append(time.perf_counter() - self.begun)
model = digits.network(x.shape[1:])
model.fit(x, y, epochs=int(sys.argv[3]), batch_size=32, verbose=0, callbacks=[Times()])
print(json.dumps(Times.seconds[2:]))
"""


def compare(
    launch: list[measure.Word], train: Path, project: Path, size: int, times: int
) -> tuple[float, float]:
    """Seconds of one training step, with digests after each and without.

    Of all epochs' times the lower quartile counts: other work on the machine only ever adds.

    Args:
        launch: the supervisor's command line, without `--`.
        train: the folder with the example.
        project: where the records go.
        size: pixels of a side, 8 or 28.
        times: how many pairs of runs.

    Raises:
        measure.Failed: a run fails, or the weights are not the same with and without.
    """
    weights = set()
    found: tuple[list[float], list[float]] = ([], [])
    words: list[measure.Word] = ["--", "python", "-c", PROGRAM, train, str(size), str(EPOCHS)]
    for _ in range(times):
        for seconds, options in zip(found, (("--fingerprint", "steps"), ()), strict=True):
            done = measure.run([*launch, *options, *words], cwd=project)
            seconds.extend(json.loads(done.output.splitlines()[-1]))
            newest = max((project / ".nixrepro/runs").glob("*/record.json"), key=_changed)
            weights.add(json.loads(newest.read_text())["fingerprint"]["weights"])
    if len(weights) != 1:
        raise measure.Failed(f"digests after each step changed the weights: {sorted(weights)}")
    with_digests, without = (sorted(each)[len(each) // 4] / STEPS for each in found)
    return with_digests, without


def _changed(path: Path) -> float:
    return path.stat().st_mtime

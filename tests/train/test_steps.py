"""Digests after every step of real trainings: they change no number, and name where runs part."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from nixrepro.diff import difference, find, text
from nixrepro.diff.results import parting
from nixrepro.record import Record, load

from .conftest import Closure

STEPS = ("--fingerprint", "steps")
# 64 numbers in batches of 8: 8 steps an epoch, in the order of the data.
PROGRAM = """
import json, sys, numpy as np
from tensorflow import keras
asked = {"seed": 42, "rate": 0.01, "nudge": [], "label": -1, "epochs": 3, **json.loads(sys.argv[1])}
keras.utils.set_random_seed(asked["seed"])
random = np.random.default_rng(0)
x = random.random((64, 6)).astype("float32")
y = (x.sum(axis=1) > 3).astype("int32")
if asked["label"] >= 0: y[asked["label"]] = 1 - y[asked["label"]]
class Nudge(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None): self.epoch = epoch + 1
    def on_train_batch_begin(self, batch, logs=None):
        if [self.epoch, batch + 1] == asked["nudge"]:
            kernel = self.model.layers[-1].kernel
            kernel.assign(kernel * 1.000001)
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu", name="first"),
    keras.layers.BatchNormalization(name="norm"),
    keras.layers.Dense(2, activation="softmax", name="last")])
model.compile(keras.optimizers.Adam(asked["rate"]), "sparse_categorical_crossentropy",
    metrics=["accuracy"])
model.fit(x, y, batch_size=8, epochs=asked["epochs"], shuffle=False, verbose=0,
    validation_split=asked.get("split", 0.0), callbacks=[Nudge()] if asked["nudge"] else [])
"""


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "safe.directory=*")
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


class Trainings:
    """Trainings of one project, which is a repository; each way of training runs once."""

    def __init__(self, closure: Closure) -> None:
        self.closure = closure
        self.found: dict[Any, Record] = {}
        self.root = closure.project
        (self.root / "train.py").write_text(PROGRAM)
        (self.root / ".gitignore").write_text(".nixrepro/\nsettings.json\n")
        git(self.root, "init", "-q")
        git(self.root, "add", ".")
        git(self.root, "commit", "-qm", "one")

    def __call__(self, *, options: tuple[str, ...] = STEPS, again: int = 0, **asked: Any) -> Record:
        key = (options, again, json.dumps(asked))
        if key not in self.found:
            words = ("python", "train.py", json.dumps(asked))
            done = self.closure.run(*words, options=options)
            assert done.returncode == 0, done.stderr
            self.found[key] = load(self.root)
        return self.found[key]


@pytest.fixture(scope="module")
def train(closure: Closure) -> Trainings:
    return Trainings(closure)


def said(a: Record, b: Record) -> str:
    return str(parting(a, b))


def test_steps_change_no_number(train: Trainings) -> None:
    with_steps, without = train(), train(options=())
    assert with_steps.document["fingerprint"] == without.document["fingerprint"]
    assert with_steps.document["experiment"] == without.document["experiment"]
    assert "problems" not in with_steps.document["result"]
    assert with_steps.document["result"]["steps"]["count"] == 24
    assert "steps" not in without.document["result"]


def test_the_last_step_is_the_fits_end(train: Trainings) -> None:
    record = train()
    lines = (record.folder / "steps.jsonl").read_text().splitlines()
    head, last = json.loads(lines[0]), json.loads(lines[-1])
    (fit,) = record.document["result"]["fits"]
    assert [tensor[0] for tensor in head["tensors"]] == [each["name"] for each in fit["tensors"]]
    assert last[4:] == [each["sha256"][:16] for each in fit["tensors"]]
    assert last[:4] == [1, 3, 8, fit["epochs"][2]["loss"]]


def test_the_same_run_twice_has_the_same_steps(train: Trainings) -> None:
    one, two = train(), train(again=1)
    assert one.document["id"] != two.document["id"]
    assert one.document["result"]["steps"] == two.document["result"]["steps"]
    assert parting(one, two) is None
    a, b = (find(train.root, each.document["id"][:12]) for each in (one, two))
    found = difference(train.root, a, b)
    assert found.same and "same results" in text.headline(found)


def test_another_seed(train: Trainings) -> None:
    assert said(train(), train(seed=43)) == "epoch 1, step 1: the loss and 8 of 8 weights"


def test_another_learning_rate(train: Trainings) -> None:
    # The first loss is that of the same first weights. BatchNormalization's own averages follow
    # the data alone, so two of eight tensors are still the same.
    assert said(train(), train(rate=0.02)).startswith("epoch 1, step 1: the weights of")
    assert said(train(), train(rate=0.02)).endswith("first/kernel and 5 more")


def test_one_other_label(train: Trainings) -> None:
    found = parting(train(), train(label=43))
    assert found is not None
    # Its batch is the sixth; the loss that Keras tells is that of all batches up to it.
    assert (found.fit, found.epoch, found.step) == (1, 1, 6)
    assert found.subject.startswith("the loss and ")


@pytest.mark.parametrize("nudge", [[1, 3], [2, 7], [3, 1]])
def test_the_very_step_in_which_something_happened(train: Trainings, nudge: list[int]) -> None:
    found = parting(train(), train(nudge=nudge))
    assert found is not None
    assert [found.epoch, found.step] == nudge


def test_less_often(train: Trainings) -> None:
    coarse = train(options=("--fingerprint", "steps:3"), nudge=[2, 4])
    assert coarse.document["result"]["steps"]["count"] == 6
    assert said(train(), coarse).startswith("epoch 2, step 6: ")
    without = train(options=(), nudge=[2, 4])
    assert coarse.document["fingerprint"] == without.document["fingerprint"]
    # Where only one has steps, the epoch is what can be said.
    assert said(train(), without).startswith("epoch 2: loss")


def test_validation_is_no_step(train: Trainings) -> None:
    assert train(split=0.25).document["result"]["steps"]["count"] == 18


def test_a_dirty_tree(train: Trainings) -> None:
    first = train()
    file = train.root / "train.py"
    file.write_text(PROGRAM.replace('"rate": 0.01', '"rate": 0.03'))
    try:
        second = train(again=2)
    finally:
        git(train.root, "checkout", "-q", "train.py")
    a, b = (find(train.root, each.document["id"][:12]) for each in (first, second))
    found = difference(train.root, a, b)
    assert found.layers == ("code",)
    lines = text.lines(found)
    assert lines[2].startswith("differ in code; results part at epoch 1, step 1: the weights of")
    assert any(line.startswith("  -asked = ") and '"rate": 0.01' in line for line in lines)
    assert any(line.startswith("  +asked = ") and '"rate": 0.03' in line for line in lines)
    assert len(lines) < 40


def test_a_killed_training_keeps_its_steps(train: Trainings) -> None:
    words = ("python", "train.py", '{"epochs": 100000}')
    process = subprocess.Popen(
        train.closure.argv(*words, options=STEPS), cwd=train.root, stderr=subprocess.DEVNULL
    )
    try:
        steps = Path("/nowhere")
        end = time.monotonic() + 120
        while not (steps.exists() and steps.stat().st_size > 10_000):
            assert time.monotonic() < end
            time.sleep(0.1)
            folders = (train.root / ".nixrepro" / "runs").glob("*/reserve")
            steps = next((each.parent / "steps.jsonl" for each in folders), steps)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    killed = load(train.root)
    assert killed.document["status"] == "killed"
    count = killed.document["result"]["steps"]["count"]
    lines = (killed.folder / "steps.jsonl").read_text().splitlines()
    assert len(lines) == count + 1 > 50
    # As far as both went they are the same; then one has more epochs.
    assert said(train(), killed).startswith("epoch 4: the number of epochs")


LOOP = """
import numpy as np, tensorflow as tf, nixrepro_runtime as nr
from tensorflow import keras
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="only")])
model.compile(loss="mse", optimizer="sgd")
x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
for step in range(5):
    model.train_on_batch(x, y)
other = tf.Variable([1.0, 2.0], name="other")
class Own: weights = [other]; name = "own"
for step in range(4):
    other.assign_add([EVERY, 1.0])
    nr.step(Own, loss=tf.reduce_sum(other))
"""


def test_loops_of_the_programs_own(train: Trainings) -> None:
    records = []
    for each in ("1.0", "1.0 if step < 2 else 1.5"):
        done = train.closure.run("python", "-c", LOOP.replace("EVERY", each), options=STEPS)
        assert done.returncode == 0, done.stderr
        records.append(load(train.root))
    found = (records[0].folder / "steps.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in found]
    assert [each[:3] for each in told if isinstance(each, list)] == [
        *([1, None, step] for step in range(1, 6)), *([2, None, step] for step in range(1, 5)),
    ]  # fmt: skip
    assert [each[3] for each in told if isinstance(each, list)][5:] == [5.0, 7.0, 9.0, 11.0]
    expected = "step 3 of the program's own loop: the loss and 1 of 1 weights"
    assert said(*records) == expected


OWN = """
import hashlib, json, sys, numpy as np
from tensorflow import keras
random = np.random.default_rng(0)
x, y = random.integers(0, 20, (96, 4)), random.random((96, 1)).astype("float32")
class Own(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        found = (hashlib.sha256(each.numpy().tobytes()).hexdigest() for each in model.weights)
        print("OWN", json.dumps([float(logs["loss"]), *(each[:16] for each in found)]))
for optimizer, jit in json.loads(sys.argv[1]):
    model = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Embedding(20, 30),
        keras.layers.LSTM(8), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile(optimizer, "mse", jit_compile=jit)
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[Own()])
"""
WAYS = [(optimizer, jit) for optimizer in ("sgd", "adam", "rmsprop") for jit in (False, True)]


def test_digests_are_those_of_the_very_step(train: Trainings) -> None:
    # Embeddings are updated in place, row by row: what is digested later must not be touched.
    done = train.closure.run("python", "-c", OWN, json.dumps(WAYS), options=STEPS)
    assert done.returncode == 0, done.stderr
    own = [json.loads(line[4:]) for line in done.stdout.splitlines() if line.startswith("OWN ")]
    lines = (load(train.root).folder / "steps.jsonl").read_text().splitlines()
    told = [each for each in map(json.loads, lines) if isinstance(each, list)]
    assert [each[3:] for each in told] == own
    assert [each[0] for each in told] == [fit + 1 for fit in range(len(WAYS)) for _ in range(48)]

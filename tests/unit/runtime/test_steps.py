"""Steps are recorded in order and whole, whatever happens to the program; nothing is changed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from nixrepro.runtime.launch import Refused, parse
from nixrepro.runtime.step_writer import digest, line, summary

from .conftest import Workshop

STEPS = ("--fingerprint", "steps")
# Variables that can be read as TensorFlow's can where there is no TensorFlow, and a Keras.
MODEL = """
class Array:
    def __init__(self, data): self.data = data
    def tobytes(self): return self.data
class Tensor:
    def __init__(self, data): self.data = data
    def numpy(self): return Array(self.data)
class Kind: name = "float32"
class Variable:
    dtype, shape = Kind, (2,)
    def __init__(self, name, data): self.path, self.data = name, data
    device = "GPU"
    def numpy(self): raise AssertionError
    def read_value(self): return Tensor(self.data)
class History:
    def __init__(self): self.history = {}
    def on_epoch_end(self, epoch, logs=None):
        for name, value in logs.items(): self.history.setdefault(name, []).append(value)
class Model:
    name = "m"
    metrics = []
    steps_per_execution = STRIDE
    train_function = None
    def __init__(self): self.weights = [Variable("k", b"0"), Variable("b", b"1")]; self.count = 0
    def train(self):
        self.count += 1
        self.weights[0].data = b"k%d" % self.count
        return {"loss": 1 / self.count}
    def make_train_function(self, force=False):
        if self.train_function is None: self.train_function = self.train
        return KERAS
    def fit(self, epochs=1, steps=3, at=None):
        self.make_train_function()
        history = History()
        for epoch in range(epochs):
            for step in range(steps):
                if at: at(self)
                logs = self.train_function()
            history.on_epoch_end(epoch, logs)
        return history
    def evaluate(self): return 0.0
    def train_on_batch(self):
        self.make_train_function()
        return self.train_function()
"""


def model(workshop: Workshop, stride: int = 1, gives: str = "None") -> None:
    folder = workshop.site / "keras" / "src"
    (folder / "models").mkdir(parents=True)
    text = MODEL.replace("STRIDE", str(stride)).replace("KERAS", gives)
    (folder / "callbacks.py").write_text(text)
    (folder / "models" / "model.py").write_text("from keras.src.callbacks import Model\n")
    for place in (folder.parent, folder, folder / "models"):
        (place / "__init__.py").touch()


def run(workshop: Workshop, code: str, options: tuple[str, ...] = STEPS) -> list[Any]:
    done = workshop.python(
        f"import keras.src.callbacks\nfrom keras.src.models.model import Model\n{code}",
        options=options,
    )
    assert done.returncode == 0, done.stderr
    return steps(workshop)


def steps(workshop: Workshop) -> list[Any]:
    (folder,) = workshop.folders()
    path = folder / "steps.jsonl"
    return [json.loads(each) for each in path.read_text().splitlines()] if path.exists() else []


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


@pytest.mark.parametrize("gives", ["None", "self.train_function"])
def test_each_step_of_a_fit(workshop: Workshop, gives: str) -> None:
    model(workshop, gives=gives)
    found = run(workshop, "Model().fit(epochs=2, steps=2)")
    tensors = [["k", "float32", [2]], ["b", "float32", [2]]]
    assert found == [
        {"part": 1, "fit": 1, "model": "m", "tensors": tensors},
        [1, 1, 1, 1.0, sha(b"k1"), sha(b"1")],
        [1, 1, 2, 1 / 2, sha(b"k2"), sha(b"1")],
        [1, 2, 1, 1 / 3, sha(b"k3"), sha(b"1")],
        [1, 2, 2, 1 / 4, sha(b"k4"), sha(b"1")],
    ]
    record = workshop.record()
    (folder,) = workshop.folders()
    data = (folder / "steps.jsonl").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    assert record["result"]["steps"] == {"every": 1, "count": 4, "digest": sha256}
    assert record["files"]["steps"] == {
        "file": "steps.jsonl", "size": len(data), "sha256": sha256,
    }  # fmt: skip


def test_less_often_on_request(workshop: Workshop) -> None:
    model(workshop)
    found = run(workshop, "Model().fit(epochs=2, steps=7)", ("--fingerprint=steps:3",))
    assert [each[1:3] for each in found[1:]] == [[1, 3], [1, 6], [2, 3], [2, 6]]
    assert workshop.record()["result"]["steps"]["every"] == 3


def test_several_steps_an_execution(workshop: Workshop) -> None:
    model(workshop, stride=4)
    found = run(workshop, "Model().fit(steps=5)", ("--fingerprint=steps:6",))
    # Seen after 4, 8, 12, 16 and 20 steps: those are told that have passed another sixth one.
    assert [each[2] for each in found[1:]] == [8, 12, 20]


def test_fits_and_loops_have_parts_of_their_own(workshop: Workshop) -> None:
    model(workshop)
    found = run(
        workshop,
        "import nixrepro_runtime as nr\n"
        "a, b = Model(), Model()\n"
        "a.fit(steps=1); b.train_on_batch(); b.train_on_batch(); a.fit(steps=1)\n"
        "nr.step(b, loss=float('nan')); nr.step(b)",
    )
    heads = [each for each in found if isinstance(each, dict)]
    assert [(each["part"], each["fit"]) for each in heads] == [(1, 1), (2, 0), (3, 2), (4, 0)]
    assert [each[:4] for each in found if isinstance(each, list)] == [
        [1, 1, 1, 1.0], [2, None, 1, 1.0], [2, None, 2, 0.5], [3, 1, 1, 0.5],
        [4, None, 1, "nan"], [4, None, 2, None],
    ]  # fmt: skip


def test_without_the_option_nothing_is_followed(workshop: Workshop) -> None:
    model(workshop)
    code = "import nixrepro_runtime as nr\nm = Model(); m.fit(); nr.step(m, 1.0)"
    assert run(workshop, code, ()) == []
    record = workshop.record()
    assert "steps" not in record["result"] and "steps" not in record["files"]
    found = run_unrecorded(workshop, code)
    assert found == "threads 1"


def run_unrecorded(workshop: Workshop, code: str) -> str:
    count = "import threading; print('threads', threading.active_count())"
    done = workshop.python(
        f"import keras.src.callbacks\nfrom keras.src.models.model import Model\n{code}\n{count}",
        options=("--no-record", *STEPS),
    )
    return done.stdout.strip()


def test_experiment_and_settings_know_nothing_of_it(workshop: Workshop) -> None:
    # What the program is started with is the same, so that the experiment can be.
    workshop.run("true", options=STEPS)
    workshop.run("true")
    one, two = (json.loads((each / "record.json").read_bytes()) for each in workshop.folders())
    assert one["experiment"] == two["experiment"]
    assert one["layers"]["settings"] == two["layers"]["settings"]
    counts = {each.get("result", {}).get("steps", {}).get("count") for each in (one, two)}
    assert counts == {0, None}


def test_a_killed_run_keeps_whole_lines(workshop: Workshop) -> None:
    model(workshop)
    code = (
        "import os, signal, time\n"
        "def at(model):\n"
        "    if model.count == 40: time.sleep(0.5); os.kill(os.getpid(), signal.SIGKILL)\n"
        "Model().fit(steps=50, at=at)"
    )
    workshop.python(
        f"import keras.src.callbacks\nfrom keras.src.models.model import Model\n{code}",
        options=STEPS,
    )
    assert len(steps(workshop)) == 41
    record = workshop.record()
    assert record["status"] == "killed" and record["result"]["steps"]["count"] == 40


@pytest.mark.parametrize("end", ["", "import os; os._exit(0)", "import sys; sys.exit()"])
def test_nothing_is_lost_at_the_end(workshop: Workshop, end: str) -> None:
    model(workshop)
    assert len(run(workshop, f"Model().fit(steps=3000)\n{end}")) == 3001


def test_loops_are_written_at_exit(workshop: Workshop) -> None:
    model(workshop)
    assert len(run(workshop, "m = Model()\nfor _ in range(500): m.train_on_batch()")) == 501


def test_processes_one_after_the_other_count_on(workshop: Workshop) -> None:
    model(workshop)
    code = (
        "import nixrepro_runtime.boot, keras.src.callbacks\n"
        "from keras.src.models.model import Model; m = Model(); m.fit(steps=1); m.fit(steps=1)"
    )
    script = workshop.project / "train.py"
    script.write_text(code)
    done = workshop.run("sh", "-c", "python train.py && python train.py", options=STEPS)
    assert done.returncode == 0, done.stderr
    heads = [each for each in steps(workshop) if isinstance(each, dict)]
    assert [(each["part"], each["fit"]) for each in heads] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert len(workshop.record()["result"]["fits"]) == 4


def test_of_processes_side_by_side_one_records(workshop: Workshop) -> None:
    model(workshop)
    found = run(
        workshop,
        "import os\n"
        "m = Model(); m.fit(steps=2)\n"
        "if os.fork() == 0:\n"
        "    m.fit(steps=5); os._exit(0)\n"
        "os.wait(); m.fit(steps=2)",
    )
    assert [each[0] for each in found if isinstance(each, list)] == [1, 1, 2, 2]
    (problem,) = workshop.record()["result"]["problems"]
    assert problem["where"] == "steps" and "another process" in problem["message"]


def test_a_model_that_can_not_be_followed_trains_on(workshop: Workshop) -> None:
    model(workshop)
    code = "m = Model(); m.train = lambda: {}; m.weights = [object()]; m.fit(steps=3)"
    assert run(workshop, code) == []
    (problem,) = workshop.record()["result"]["problems"]
    assert problem["where"] == "steps" and "AttributeError" in problem["message"]


def test_a_model_that_trains_by_a_function_of_its_own_is_said(workshop: Workshop) -> None:
    model(workshop)
    code = (
        "class Own(Model):\n"
        "    def make_train_function(self, force=False): self.train_function = self.train\n"
        "Own().fit()"
    )
    assert run(workshop, code) == []
    (problem,) = workshop.record()["result"]["problems"]
    assert "by a function of its own" in problem["message"]


def test_tensors_that_fail_later_stop_nothing(workshop: Workshop) -> None:
    model(workshop)
    code = (
        "import keras.src.callbacks as c\n"
        "def at(m):\n"
        "    if m.count == 5: c.Tensor.numpy = lambda self: 1 / 0\n"
        "    import time; time.sleep(0.03)\n"
        "Model().fit(steps=10, at=at)"
    )
    assert 2 <= len(run(workshop, code)) <= 6
    (problem,) = workshop.record()["result"]["problems"]
    assert "ZeroDivisionError" in problem["message"]


def test_a_full_disk_leaves_whole_lines(workshop: Workshop) -> None:
    model(workshop)
    code = (
        "import resource, time\n"
        "def at(m):\n"
        "    if m.count == 100: time.sleep(0.2)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "m = Model(); m.fit(steps=1000, at=at)\n"
        "assert m.count == 1000"
    )
    found = run(workshop, code)
    assert 100 < len(found) < 300
    assert [each[2] for each in found[1:]] == list(range(1, len(found)))
    (problem,) = workshop.record()["result"]["problems"]
    assert "later steps are lacking" in problem["message"]


def test_much_that_waits_holds_the_training_back(workshop: Workshop) -> None:
    model(workshop)
    code = (
        "import keras.src.callbacks as c, time\n"
        "class Slow:\n"
        "    alive = 0\n"
        "    def __init__(self): Slow.alive += 1; Slow.most = max(Slow.alive, Slow.most)\n"
        "    most = 0\n"
        "    def numpy(self): time.sleep(0.001); return c.Array(b'x')\n"
        "    def __del__(self): Slow.alive -= 1\n"
        "c.Variable.read_value = lambda self: Slow()\n"
        "c.Variable.shape = (1 << 20,)\n"
        "Model().fit(steps=200)\n"
        "assert Slow.most < 50, Slow.most"
    )
    assert len(run(workshop, code)) == 201


def test_digests_and_numbers() -> None:
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()[:16]
    assert line("1,2,3", 0.1, [b"a"]) == f'[1,2,3,0.1,"{sha(b"a")}"]\n'
    assert [line("1", value, []) for value in (float("inf"), None, "x", -0.0, 2)] == [
        '[1,"inf"]\n', "[1,null]\n", "[1,null]\n", "[1,-0.0]\n", "[1,2.0]\n",
    ]  # fmt: skip


def test_summary_counts_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "steps.jsonl"
    path.write_text('{"part":1}\n[1]\n[2]\n[3')
    count, file = summary(str(path))
    assert count == 2 and file["size"] == 21


@pytest.mark.parametrize(
    ("text", "expected"), [("steps", 1), ("steps:1", 1), ("steps:250", 250), ("", 0)]
)
def test_option(text: str, expected: int) -> None:
    words = ["--environment", "e", "--settings", "s", "--project", "p"]
    assert parse([*words, "--fingerprint", text]).steps == expected


@pytest.mark.parametrize("text", ["step", "steps:", "steps:0", "steps:-1", "steps:x", "weights"])
def test_option_refused(text: str) -> None:
    words = ["--environment", "e", "--settings", "s", "--project", "p"]
    with pytest.raises(Refused, match="takes steps or steps:N"):
        parse([*words, "--fingerprint", text])

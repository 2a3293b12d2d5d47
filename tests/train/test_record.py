"""What the record says of real trainings: exactly what happened, and nothing is changed by it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .conftest import MNIST, ROOT, Closure

# Prints, by its own means, the history and the digest of the weights.
HISTORY = """
import hashlib, json, numpy as np
from tensorflow import keras
x = np.random.rand(200, 6).astype("float32")
y = (x.sum(axis=1) > 3).astype("int32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"),
    keras.layers.BatchNormalization(), keras.layers.Dropout(0.3),
    keras.layers.Dense(2, activation="softmax")])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, validation_split=0.2, epochs=3, verbose=2).history
lines = "".join(f"{w.dtype} {list(w.shape)} {hashlib.sha256(w.tobytes()).hexdigest()}\\n"
                for w in (weight.numpy() for weight in model.weights))
print("RESULT", json.dumps([history, hashlib.sha256(lines.encode()).hexdigest()]))
"""


def result(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("RESULT ")]
    return line.removeprefix("RESULT ")


@pytest.fixture(scope="module")
def history(closure: Closure) -> str:
    done = closure.python(HISTORY)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_metrics_equal_history_and_digest_the_weights(closure: Closure, history: str) -> None:
    metrics, digest = json.loads(result(history))
    record = closure.newest()
    (fit,) = record["result"]["fits"]
    assert len(fit["epochs"]) == 3
    for name, values in metrics.items():
        assert [epoch[name] for epoch in fit["epochs"]] == values
    assert set(fit["epochs"][0]) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert fit["weights"] == digest == record["fingerprint"]["weights"]
    shapes = [tensor["shape"] for tensor in fit["tensors"]]
    assert shapes == [[6, 8], [8], [8], [8], [8], [8], [8, 2], [2]]
    # Validation inside of a fit is no evaluation of the program's own.
    assert "evaluations" not in record["result"]


def test_watching_changes_nothing(closure: Closure, history: str) -> None:
    unwatched = closure.python(HISTORY, options=("--no-record",))
    assert result(unwatched.stdout) == result(history)
    assert unwatched.stdout.count("Epoch") == history.count("Epoch") == 3


def test_log_holds_the_output(closure: Closure, history: str) -> None:
    runs = closure.project / ".nixrepro" / "runs"
    (folder,) = [path for path in runs.iterdir() if closure.newest()["id"].startswith(path.name)]
    log = (folder / "log.txt").read_text()
    assert all(line in log for line in history.splitlines())


FAILS = """
from tensorflow import keras
import numpy as np
class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise RuntimeError("out of patience")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd")
model.fit(np.ones((20, 3)), np.ones(20), epochs=9, verbose=0, callbacks=[Stop()])
"""


def test_a_training_that_fails(closure: Closure) -> None:
    done = closure.python(FAILS)
    record = closure.newest()
    assert done.returncode == 1
    assert "RuntimeError: out of patience" in done.stderr
    assert record["status"] == "failed" and record["exit"]["status"] == 1
    (fit,) = record["result"]["fits"]
    assert len(fit["epochs"]) == 2
    assert fit["error"] == "RuntimeError: out of patience"
    assert "unknown" in record["fingerprint"]["weights"]


MANY = """
import numpy as np, nixrepro_runtime as nr
from tensorflow import keras
x, y = np.random.default_rng().random((40, 3)), np.ones(40)
def make(name):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs), name=name)
    model.compile(loss="mse", optimizer="sgd", metrics=["mae"])
    return model
a, b, c = make("a"), make("b"), make("c")
a.fit(x, y, epochs=1, verbose=0)
b.fit(x, y, epochs=2, verbose=0, callbacks=[keras.callbacks.History()])
a.fit(x, y, epochs=1, verbose=0)
first = a.evaluate(x, y, verbose=0, return_dict=True)["mae"]
print("RESULT", first, b.evaluate(x, y, verbose=0)[1])
for step in range(3):
    nr.log(step=step, loss=c.train_on_batch(x, y)[0])
print(nr.weights(c, "by hand"))
"""


def test_several_models_in_order(closure: Closure) -> None:
    done = closure.python(MANY)
    assert done.returncode == 0, done.stderr
    record = closure.newest()
    found = record["result"]
    fits = found["fits"]
    assert [(fit["name"], fit["model"], len(fit["epochs"])) for fit in fits] == [
        ("a", 1, 1), ("b", 2, 2), ("a", 1, 1),
    ]  # fmt: skip
    assert [entry["model"] for entry in found["evaluations"]] == [1, 2]
    said = [float(number) for number in result(done.stdout).split()]
    assert [entry["metrics"]["mae"] for entry in found["evaluations"]] == said
    assert set(found["evaluations"][1]["metrics"]) == {"loss", "mae"}
    assert found["logged"]["loss"]["count"] == 3 and found["logged"]["loss"]["step"] == 2
    (by_hand,) = found["weights"]
    assert by_hand["name"] == "by hand" and by_hand["weights"] in done.stdout
    last = [fits[2]["weights"], fits[1]["weights"], by_hand["weights"]]
    text = json.dumps(last, separators=(",", ":")) + "\n"
    assert record["fingerprint"]["weights"] == hashlib.sha256(text.encode()).hexdigest()


DIGITS = str(ROOT / "train" / "digits.py")


def test_digits(closure: Closure) -> None:
    done = closure.run("python", DIGITS)
    record = closure.newest()
    assert done.returncode == 0, done.stderr
    accuracy = record["result"]["final"]["test_accuracy"]
    assert accuracy > 0.9
    assert done.stdout.splitlines()[-1] == f"final test accuracy: {accuracy:.4f}"


def test_digits_with_mnist(closure: Closure, mnist: dict[str, str]) -> None:
    closure.data = {"mnist": mnist}
    done = closure.run("python", DIGITS, "--data", "mnist", "--epochs", "1")
    closure.data = {}
    assert done.returncode == 0, done.stderr
    assert "1500 images to learn from, 297 to be tested on" in done.stdout


def archives(folder: Path) -> dict[str, dict[str, str]]:
    """A zip and a tar with one file each, pinned for addresses that nobody serves."""
    with zipfile.ZipFile(folder / "words.zip", "w") as packed:
        packed.writestr("words/a.txt", "zipped")
    with tarfile.open(folder / "words.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("words/a.txt")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"tarred"))
    return {
        name: {
            "url": f"https://data.invalid/{name}",
            "path": str(folder / name),
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
        }
        for name in ("words.zip", "words.tar.gz")
    }


FILES = """
import os, pathlib
from tensorflow import keras
get = keras.utils.get_file
def text(path): return sorted(p.read_text() for p in pathlib.Path(path).rglob("a.txt"))
plain = get("w.zip", "https://data.invalid/words.zip", cache_dir=".", md5_hash="0" * 32)
print(os.path.basename(plain), os.path.realpath(plain) == os.environ["ZIP"])
tar = "https://data.invalid/words.tar.gz"
zipped = get("v.zip", "https://data.invalid/words.zip", cache_subdir="b", extract=True)
print(text(os.path.dirname(zipped)))
ways = ("c", "words.tar.gz", "extract"), ("d", "other", "extract"), ("e", "words", "untar")
for folder, name, how in ways:
    print(text(os.path.dirname(get(name, origin=tar, cache_subdir=folder, **{how: True}))))
print(sorted(os.listdir(".")))
"""


def test_pinned_archives(closure: Closure, tmp_path: Path) -> None:
    closure.data = archives(tmp_path)
    code = FILES.replace('os.environ["ZIP"]', repr(str(tmp_path / "words.zip")))
    done = closure.python(code)
    closure.data = {}
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "w.zip True"
    assert [line for line in lines if "ed']" in line] == [
        "['zipped']", "['tarred']", "['tarred']", "['tarred']",
    ]  # fmt: skip
    assert "Downloading" not in done.stdout
    assert "datasets" not in lines[-1]
    assert closure.newest()["result"]["data-differs"][0]["kind"] == "md5"


def test_data_that_is_pinned_but_was_not_fetched(closure: Closure, tmp_path: Path) -> None:
    closure.data = {"mnist": {"url": MNIST, "path": "/nowhere", "sha256": "0" * 64}}
    done = closure.python("from tensorflow import keras; keras.datasets.mnist.load_data()")
    closure.data = {}
    assert done.returncode == 1
    said = "data 'mnist' is pinned but was not fetched: run nixrepro fetch --data mnist"
    assert said in done.stderr
    assert "Downloading" not in done.stdout


def test_data_from_the_network_is_said(closure: Closure, tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("1,2\n")
    handler = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: handler(*args, directory=str(tmp_path))
    )
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/some.csv"
    done = closure.python(
        f"from tensorflow import keras; print(open(keras.utils.get_file(origin={url!r})).read())"
    )
    server.shutdown()
    server.server_close()
    sha256 = hashlib.sha256(b"1,2\n").hexdigest()
    assert "1,2\n" in done.stdout
    assert closure.newest()["layers"]["data"][-1] == {
        "name": "some.csv", "url": url, "sha256": sha256, "pinned": False,
    }  # fmt: skip
    assert f'[tool.nixrepro.data.some] url = "{url}" sha256 = "{sha256}"' in done.stderr

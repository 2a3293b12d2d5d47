"""The Keras hooks against the module layouts of Keras 2.8, 2.15, 3 and tf_keras, with stand-ins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Workshop

# Where each version has its History, its Model and its get_file.
LAYOUTS = {
    "2.8": ("keras.callbacks", "keras.engine.training", "keras.utils.data_utils"),
    "2.15": ("keras.src.callbacks", "keras.src.engine.training", "keras.src.utils.data_utils"),
    "3": ("keras.src.callbacks", "keras.src.models.model", "keras.src.utils.file_utils"),
    "tf_keras": (
        "tf_keras.src.callbacks",
        "tf_keras.src.engine.training",
        "tf_keras.src.utils.data_utils",
    ),
}
CALLBACKS = """
class History:
    def __init__(self): self.history = {}
    def on_epoch_end(self, epoch, logs=None):
        for name, value in logs.items(): self.history.setdefault(name, []).append(value)
"""
# A model without numpy's arrays: its weights can't be digested, which is a case of its own.
MODEL = """
from CALLBACKS import History
class Metric:
    def __init__(self, name): self.name = name
class Model:
    name = "m"
    metrics = [Metric("loss"), Metric("mae")]
    weights = [object()]
    def fit(self, epochs=1, fail=False):
        history = History()
        for epoch in range(epochs):
            if fail: raise ValueError("no")
            history.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1), "val": self.evaluate()[0]})
        return history
    def evaluate(self, as_dict=False):
        return {"x": float("nan")} if as_dict else [0.5, 0.25]
"""
FILES = """
import os
from urllib.request import urlretrieve
def get_file(fname=None, origin=None, untar=False, md5_hash=None, file_hash=None,
             cache_subdir="datasets", hash_algorithm="auto", extract=False,
             archive_format="auto", cache_dir=None):
    assert md5_hash is None and file_hash is None
    path = os.path.join(cache_dir, cache_subdir, fname or os.path.basename(origin))
    if not os.path.exists(path):
        urlretrieve(origin, path)
    return path
"""


@pytest.fixture(params=sorted(LAYOUTS))
def layout(request: pytest.FixtureRequest, workshop: Workshop) -> tuple[str, str, str]:
    callbacks, model, files = LAYOUTS[request.param]
    texts = {callbacks: CALLBACKS, model: MODEL.replace("CALLBACKS", callbacks), files: FILES}
    for name, text in texts.items():
        path = workshop.site.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.relative_to(workshop.site).parents[:-1]:
            (workshop.site / folder / "__init__.py").touch()
        path.write_text(text)
    return callbacks, model, files


def test_fits_and_evaluations(workshop: Workshop, layout: tuple[str, str, str]) -> None:
    code = (
        f"from {layout[1]} import Model\n"
        "class Mine(Model): pass\n"
        "m = Mine(); h = m.fit(epochs=2); print(h.history, m.evaluate(), m.evaluate(True))"
    )
    done = workshop.python(code)
    assert done.stdout == ("{'loss': [1.0, 0.5], 'val': [0.5, 0.5]} [0.5, 0.25] {'x': nan}\n"), (
        done.stderr
    )
    result = workshop.record()["result"]
    (fit,) = result["fits"]
    assert (fit["class"], fit["name"], fit["phase"]) == ("Mine", "m", "end")
    assert fit["epochs"] == [{"loss": 1.0, "val": 0.5}, {"loss": 0.5, "val": 0.5}]
    assert "unknown" in fit["weights"]
    assert [entry["metrics"] for entry in result["evaluations"]] == [
        {"loss": 0.5, "mae": 0.25},
        {"x": "nan"},
    ]


def test_a_fit_that_fails_raises_its_own_error(
    workshop: Workshop, layout: tuple[str, str, str]
) -> None:
    done = workshop.python(f"from {layout[1]} import Model; Model().fit(fail=True)")
    assert done.returncode == 1
    assert done.stderr.count("ValueError: no\n") == 1
    (fit,) = workshop.record()["result"]["fits"]
    assert (fit["phase"], fit["error"]) == ("failed", "ValueError: no")


def test_pinned_file_for_its_url(
    workshop: Workshop, layout: tuple[str, str, str], tmp_path: Path
) -> None:
    path = tmp_path / "abc-words.txt"
    path.write_text("pinned")
    url = "https://data.invalid/words.txt"
    workshop.settings["data"] = {"words": {"url": url, "path": str(path), "sha256": "5" * 64}}
    code = (
        "import os\n"
        f"from {layout[2]} import get_file, urlretrieve\n"
        f"path = get_file('w.txt', {url!r}, file_hash='6' * 64)\n"
        "print(os.path.basename(path), open(path).read())\n"
        f"print(urlretrieve({url!r}, 'here.txt')[0], open('here.txt').read())"
    )
    done = workshop.python(code)
    assert done.stdout == "w.txt pinned\nhere.txt pinned\n", done.stderr
    assert (
        "words: the program expects sha256 666666666666..., pinned is 555555555555" in done.stderr
    )
    result = workshop.record()["result"]
    assert result["data"] == [{"name": "words", "url": url, "sha256": "5" * 64, "pinned": True}]


def test_pinned_file_that_was_not_fetched(
    workshop: Workshop, layout: tuple[str, str, str], tmp_path: Path
) -> None:
    url = "https://data.invalid/words.txt"
    workshop.settings["data"] = {"words": {"url": url, "path": "/nowhere", "sha256": "5" * 64}}
    code = (
        f"from {layout[2]} import get_file, urlretrieve\n"
        "for get in (lambda: get_file('w.txt', URL), lambda: urlretrieve(URL, 'here.txt')):\n"
        "    try: get()\n"
        "    except LookupError as error: print(error)"
    )
    done = workshop.python(f"URL = {url!r}\n{code}")
    said = "data 'words' is pinned but was not fetched: run nixrepro fetch --data words\n"
    assert done.stdout == said * 2, done.stderr


def test_data_by_name(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    entry = {"url": "", "path": str(tmp_path / "x"), "sha256": "5" * 64}
    workshop.settings["data"] = {"x": entry, "gone": {**entry, "path": "/nowhere"}}
    code = (
        "import nixrepro_runtime as nr\n"
        "for name in ('x', 'gone', 'other'):\n"
        "    try: print(nr.data(name))\n"
        "    except LookupError as error: print(error)\n"
        "print(nr.seed, len(nr.run))\n"
        "try: nr.nonsense\n"
        "except AttributeError as error: print(error)"
    )
    lines = workshop.python(code).stdout.splitlines()
    assert lines[0] == str(tmp_path / "x")
    assert lines[1].endswith("pinned but was not fetched: run nixrepro fetch --data gone")
    assert lines[2] == "no data 'other' is pinned; pinned is: gone, x"
    assert lines[3] == "42 16"
    assert "no attribute 'nonsense'" in lines[4]


def test_logging(workshop: Workshop) -> None:
    code = (
        "import nixrepro_runtime as nr, fractions\n"
        "for step in range(3): nr.log(step=step, loss=1 / (step + 1))\n"
        "nr.log(big=10**30, bad=float('inf'), text='x', many=[1, float('nan')], flag=True)\n"
        "nr.log(odd=fractions.Fraction(1, 2), other=object)"
    )
    assert workshop.python(code).returncode == 0
    logged = workshop.record()["result"]["logged"]
    loss = logged["loss"]
    assert (loss["count"], loss["last"], loss["step"]) == (3, 1 / 3, 2)
    last = {name: entry["last"] for name, entry in logged.items() if name != "loss"}
    assert last == {
        "big": 10**30, "bad": "inf", "text": "x", "many": [1, "nan"], "flag": True, "odd": 0.5,
        "other": "<class 'object'>",
    }  # fmt: skip


def test_logging_outside_of_a_run_is_nothing(workshop: Workshop) -> None:
    code = "import nixrepro_runtime as nr; nr.log(a=1); print(nr.seed, repr(nr.run))"
    done = workshop.run("python", "-c", code, options=("--no-record",))
    assert done.stdout == "42 ''\n"
    code = "import nixrepro_runtime as nr; nr.log(a=1); nr.data('x')"
    done = workshop.run("env", "-i", f"PYTHONPATH={workshop.site}", "python3", "-c", code)
    assert "known only in a run" in done.stderr


def test_lines_of_several_processes_do_not_mix(workshop: Workshop) -> None:
    code = (
        "import os, nixrepro_runtime as nr\n"
        "for child in range(4):\n"
        "    if os.fork() == 0:\n"
        "        for step in range(200): nr.log(step=step, **{f'm{child}': 'x' * 300})\n"
        "        os._exit(0)\n"
        "for child in range(4): os.wait()"
    )
    workshop.python(code)
    (folder,) = workshop.folders()
    lines = (folder / "events.jsonl").read_text().splitlines()
    logged = [json.loads(line) for line in lines]
    assert len([line for line in logged if line["event"] == "log"]) == 800
    assert len({line["pid"] for line in logged if line["event"] == "log"}) == 4

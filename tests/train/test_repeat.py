"""Real trainings repeated from their records alone: a real Nix, a real TensorFlow."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nixrepro import record
from nixrepro.nix import Nix
from nixrepro.record import Record
from nixrepro.repeat import OtherEnvironment, repeat
from nixrepro.repeat.tree import make
from nixrepro.verify.repeated import check_run
from nixrepro.verify.verdict import State, Verdict

from .conftest import ROOT

PARTS = ("flake.nix", "flake.lock", "nixrepro.lock", "pyproject.toml", "nix", "train")
TRAIN = ("python", "train/digits.py", "--epochs", "1")
# By chance other weights from the third step of the second epoch on.
CHANCE = """
import os, numpy as np
from tensorflow import keras
class Noise(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (1, 2):
            kernel, bias = self.model.layers[0].get_weights()
            noise = int.from_bytes(os.urandom(4), "big") / 2**32
            self.model.layers[0].set_weights([kernel, bias + noise])
x = np.random.rand(80, 6).astype("float32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, name="first")])
model.compile(loss="mse", optimizer="sgd")
model.fit(x, x[:, :2], epochs=3, batch_size=16, verbose=0, callbacks=[Noise()])
"""


@dataclass
class Project:
    """This repository's project in a Git repository of the test's own."""

    root: Path

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@mirror.example")
        argv = ["git", *who, *words]
        done = subprocess.run(argv, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def nixrepro(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "nixrepro", *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *words: str) -> Record:
        done = self.nixrepro("run", "--", *words)
        assert done.returncode == 0, done.stderr
        return record.load(self.root)

    def check(self, run: Record, runs: int = 1) -> Verdict:
        whole, found = check_run(
            self.root, run, runs=runs, tolerance=None, nix=Nix(), say=lambda _: None
        )
        assert whole.state == State.SAME, whole
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("repeated") / "models" / "digits"
    root.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=ignored)
        else:
            shutil.copy(source, root / name)
    shutil.copytree(ROOT / "nixrepro" / "runtime", root / "nixrepro" / "runtime", ignore=ignored)
    (root / ".gitignore").write_text(".nixrepro/\n")
    made = Project(root)
    # The project is not at the top of its repository.
    subprocess.run(["git", "init", "--quiet", root.parent.parent], check=True)
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "a model")
    return made


@pytest.fixture(scope="module")
def trained(project: Project) -> Record:
    """A run of what was not committed; then the project becomes another one in all its parts."""
    script = project.root / "train" / "digits.py"
    text = script.read_text()
    script.write_text(text.replace("Dense(128", "Dense(96"))
    run = project.run(*TRAIN)
    script.write_text("raise SystemExit('of today')")
    (project.root / "nixrepro.lock").write_text("of today")
    shutil.rmtree(project.root / "nix")
    return run


@pytest.fixture(scope="module")
def again(project: Project, trained: Record) -> Record:
    done = project.nixrepro("repeat", trained.document["id"][:12])
    assert done.returncode == 0, done.stderr
    assert "final test accuracy" in done.stderr
    return record.load(project.root, done.stdout.strip())


def test_the_same_experiment_gives_the_same_weights(trained: Record, again: Record) -> None:
    assert again.document["repeats"] == trained.document["id"]
    for key in ("experiment", "environment", "fingerprint"):
        assert again.document[key] == trained.document[key]
    assert len(again.document["fingerprint"]["weights"]) == 64


def test_nothing_is_left_and_nothing_was_touched(project: Project, again: Record) -> None:
    assert (project.root / "nixrepro.lock").read_text() == "of today"
    left = [path.name for path in (project.root / ".nixrepro" / "repeats").iterdir()]
    assert left == ["lock"]
    assert len(project.git("worktree", "list").splitlines()) == 1


def test_launched_again_with_other_chance(project: Project, trained: Record) -> None:
    name = trained.document["id"][:12]
    done = project.nixrepro("relaunch", name, "--set", "arguments.seed=7")
    assert done.returncode == 0, done.stderr
    new = record.load(project.root, done.stdout.strip()).document
    command = trained.document["layers"]["settings"]["command"]
    assert new["relaunches"] == trained.document["id"]
    assert new["changed"] == {"settings.command": [command, [*command, "--seed", "7"]]}
    assert new["environment"] == trained.document["environment"]
    assert len(new["fingerprint"]["weights"]) == 64
    assert new["fingerprint"]["weights"] != trained.document["fingerprint"]["weights"]


def test_verify_says_same_with_steps_of_the_repetition(project: Project, trained: Record) -> None:
    found = project.check(trained)
    assert (found.state, found.findings) == (State.SAME, ())
    newest = record.load(project.root).document
    assert newest["result"]["steps"]["every"] == 1
    assert newest["experiment"] == trained.document["experiment"]


def test_another_environment_stops_it_before_it_trains(project: Project, trained: Record) -> None:
    count = len(record.runs(project.root))
    other = copy.deepcopy(trained)
    entry = other.document["closure"][0]
    entry["narHash"] = f"sha256:{'0' * 52}"
    other.document["environment"]["digest"] = "0" * 64
    with pytest.raises(OtherEnvironment) as error:
        repeat(project.root, other, Nix(), steps=None, say=lambda _: None)
    (finding,) = error.value.findings
    assert finding.subject == entry["path"]
    assert finding.reason.startswith("has other bytes: sha256:")
    assert len(record.runs(project.root)) == count


def test_chance_is_caught_and_the_first_step_named(project: Project, trained: Record) -> None:
    project.git("checkout", "--quiet", ".")
    found = project.check(project.run("python", "-c", CHANCE), runs=3)
    assert found.state == State.DIFFERS
    assert found.reason.startswith("the program is not deterministic")
    assert "epoch 2, step 3" in found.reason
    assert {"loss", "weights"} <= {finding.subject for finding in found.findings}


def with_data(project: Project, text: str) -> None:
    """Pin a file of the project, which Git doesn't have, as `nixrepro lock` would."""
    from dataclasses import replace
    from hashlib import sha256

    from nixrepro import config, lock

    (project.root / "data.csv").write_text(text)
    (project.root / ".gitignore").write_text(".nixrepro/\ndata.csv\n")
    digest = sha256(text.encode()).hexdigest()
    file = project.root / "pyproject.toml"
    table = f'\n[tool.nixrepro.data.table]\npath = "data.csv"\nsha256 = "{digest}"\nstore = true\n'
    file.write_text(file.read_text() + table)
    path = project.root / lock.FILE
    old = lock.load(path)
    data = lock.Artefact(
        layer="data", name="table", version="", kind="file", role="", file="data.csv",
        size=len(text), sha256=digest, archive="", location="", path="data.csv",
    )  # fmt: skip
    asked: dict[str, Any] = config.question(config.load(project.root))
    order = ("system", "accelerator", "wheels", "data")
    artefacts = sorted(
        (*old.artefacts, data), key=lambda a: (order.index(a.layer), a.role, a.name, a.version)
    )
    lock.save(path, replace(old, question=asked, artefacts=tuple(artefacts)))


def test_data_is_had_by_its_hash_or_not_at_all(
    project: Project, trained: Record, tmp_path: Path
) -> None:
    project.git("checkout", "--quiet", ".")
    # Of its own, so that it is in no store yet.
    text = f"{tmp_path}\n"
    with_data(project, text)
    code = "import nixrepro_runtime as nr; nr.log(size=len(open(nr.data('table')).read()))"
    run = project.run("python", "-c", code)
    stored = next(e["path"] for e in run.document["layers"]["data"] if e["name"] == "table")
    assert project.check(run).state == State.SAME
    (project.root / "data.csv").unlink()
    assert project.check(run).state == State.SAME  # it is in the store

    # What holds it there goes: the facts of the environment name it.
    for link in (project.root / ".nixrepro" / "roots").iterdir():
        link.unlink()
    holders = subprocess.run(
        ["nix-store", "--query", "--referrers-closure", stored],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    done = subprocess.run(["nix-store", "--delete", *holders], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = project.check(run)
    assert found.state == State.UNKNOWN
    assert "data.csv" in found.reason
    (project.root / "data.csv").write_text("another table")
    found = project.check(run)
    assert found.state == State.UNKNOWN
    assert "data.csv" in found.reason
    (project.root / "data.csv").write_text(text)
    assert project.check(run).state == State.SAME


def test_the_tree_of_a_folder_in_a_repository(
    project: Project, trained: Record, tmp_path: Path
) -> None:
    made = make(project.root, trained, tmp_path / "tree")
    assert made.project == tmp_path / "tree" / "models" / "digits"
    assert "Dense(96" in (made.project / "train" / "digits.py").read_text()
    stated = json.loads((trained.folder / "record.json").read_bytes())["layers"]["code"]
    assert stated == trained.document["layers"]["code"]

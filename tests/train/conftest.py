"""This repository's own closure, with a real TensorFlow, realised if it isn't yet."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nixrepro import record
from nixrepro.cli.entering import enter
from nixrepro.realise import Environment

ROOT = Path(__file__).resolve().parents[2]
MNIST = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
# A new project takes the probe of its arithmetic once, which takes seconds; `test_probe.py` does.
os.environ["NIXREPRO_PROBE"] = "no"

# As MNIST is laid out, made of the digits that come with scikit-learn.
MAKE = """
import sys, numpy as np
from sklearn.datasets import load_digits
found = load_digits()
images = np.pad(np.kron(found.images, np.ones((3, 3))) * 15.9, ((0, 0), (2, 2), (2, 2)))
images, labels = images.astype("uint8"), found.target.astype("uint8")
np.savez(sys.argv[1], x_train=images[:1500], y_train=labels[:1500], x_test=images[1500:],
         y_test=labels[1500:])
"""


@dataclass
class Closure:
    """Runs programs in the closure, with settings of the test's own."""

    environment: Environment
    project: Path
    data: dict[str, dict[str, str]] = field(default_factory=dict)
    seed: int = 42
    variables: dict[str, str] = field(default_factory=dict)

    def argv(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        settings = self.project / "settings.json"
        found = json.loads(Path(self.environment.settings).read_text())
        stated = {**found["variables"], **self.variables}
        own = {"data": self.data, "seed": self.seed, "variables": stated}
        settings.write_text(json.dumps({**found, **own}))
        launch = [f"{self.environment.path}/bin/python", "-I", "-m", "nixrepro_runtime.launch"]
        files = ["--environment", self.environment.facts, "--settings", str(settings)]
        return [*launch, *files, "--project", str(self.project), *options, "--", *command]

    def run(self, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*command, options=options),
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def python(self, code: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return self.run("python", "-c", code, **more)

    def plain(self, folder: Path, *words: str) -> list[dict[str, Any]]:
        """Run Python unseeded: only watched, and given the data. What the watcher saw."""
        folder.mkdir()
        self.argv()
        kept = {"HOME": os.environ.get("HOME", "/"), "KERAS_HOME": str(folder / "keras")}
        subprocess.run(
            [f"{self.environment.path}/bin/python", *words],
            cwd=self.project,
            env={
                **kept,
                "NIXREPRO_DATA": str(self.project / "settings.json"),
                "NIXREPRO_RUN": str(folder),
            },
            check=True,
            capture_output=True,
        )
        lines = (folder / "events.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def newest(self) -> dict[str, Any]:
        return record.load(self.project).document


@pytest.fixture(scope="session")
def environment() -> Environment:
    return enter(ROOT)[1]


@pytest.fixture(scope="session")
def mnist(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A file for the URL that keras.datasets asks for; MNIST itself would need a network."""
    path = tmp_path_factory.mktemp("data") / "mnist.npz"
    subprocess.run([f"{environment.path}/bin/python", "-c", MAKE, str(path)], check=True)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"url": MNIST, "path": str(path), "sha256": sha256}


@pytest.fixture(scope="module")
def closure(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Closure:
    return Closure(environment, tmp_path_factory.mktemp("project"))

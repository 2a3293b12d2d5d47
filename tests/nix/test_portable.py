"""The portable profile: real training on a virtual CPU, through the tool, Nix and the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Project, call, copy_project

PROGRAM = """
import keras, numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features
x = np.random.default_rng(0).random((256, 8, 8, 1), dtype="float32")
y = np.arange(256) % 4
model = keras.Sequential([
    keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.Flatten(),
    keras.layers.Dense(16, activation="gelu"), keras.layers.LayerNormalization(),
    keras.layers.Dense(4, activation="softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, batch_size=32, epochs=2, verbose=0)
print("AVX512F" in features and features["AVX512F"], features["AVX2"])
"""


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """This repository's project with the profile; its environment is the one that is there."""
    project = Project(copy_project(tmp_path_factory.mktemp("portable")))
    file = project.root / "pyproject.toml"
    file.write_text(file.read_text() + '\n[tool.nixrepro.numerics]\nprofile = "portable"\n')
    return project


def test_a_run_is_on_the_virtual_cpu_and_says_so(portable: Project) -> None:
    done = portable.nixrepro("run", "--", "python", "-c", PROGRAM)
    assert done.status == 0, done.err
    assert done.out == "False True\n"
    document = newest(portable)
    stated = document["layers"]["settings"]["numerics"]
    assert stated.pop("vcpu").endswith("-nixrepro-vcpu")
    expected = {"profile": "portable", "cpu": "x86-64-v3", "threads": 4, "by": "vcpu"}
    assert stated == expected


def newest(project: Project) -> dict[str, Any]:
    done = project.nixrepro("show", "--json", "last")
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def test_the_app_and_the_derivation_use_it_too(portable: Project) -> None:
    weights = set()
    for words in (["train"], ["run", "--", "python", "train/digits.py"]):
        done = portable.nixrepro(*words)
        assert done.status == 0, done.err
        weights.add(newest(portable)["fingerprint"]["weights"])
    app = portable.build("train")
    done = call([app], portable.root)
    assert done.status == 0, done.err
    weights.add(newest(portable)["fingerprint"]["weights"])
    outcome = portable.build("run")
    said = [json.loads(path.read_text()) for path in Path(outcome).glob("*.json")]
    weights |= {each["fingerprint"]["weights"] for each in said if "fingerprint" in each}
    assert said
    assert len(weights) == 1


def test_tables_of_one_level_give_the_same_weights(portable: Project) -> None:
    """They differ in family, caches and more instructions; what is computed with is the same."""
    seen = {}
    file = portable.root / "pyproject.toml"
    text = file.read_text()
    for cpu in ("x86-64-v3", "haswell"):
        file.write_text(text.replace('"portable"\n', f'"portable"\ncpu = "{cpu}"\n'))
        done = portable.nixrepro("run", "--", "python", "-c", PROGRAM)
        assert done.status == 0, done.err
        document = newest(portable)
        seen[cpu] = document["fingerprint"]["weights"]
        assert document["layers"]["settings"]["numerics"]["cpu"] == cpu
    file.write_text(text)
    assert len(set(seen.values())) == 1

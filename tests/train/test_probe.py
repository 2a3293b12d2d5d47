"""A training's record has the probe of the arithmetic that it was computed with."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Closure

TRAIN = """
import keras, numpy as np
model = keras.Sequential([keras.layers.Dense(2)])
model.compile("sgd", "mse")
model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
"""


def test_a_training_has_its_probe(closure: Closure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIXREPRO_PROBE", "yes")
    first = closure.python(TRAIN)
    assert first.returncode == 0, first.stderr
    assert "taking the probe" in first.stderr
    one = closure.newest()
    functions: dict[str, Any] = one["probe"]["functions"]
    assert {"eigen.float32.exp", "xla.float32.exp", "numpy.float32.exp"} <= set(functions)
    assert not [name for name, said in functions.items() if "unknown" in said]
    # What TensorFlow multiplies with says itself whose code it is.
    assert functions["onednn.float32.matmul"]["by"]
    # Each is within its makers' bounds of the correctly rounded results.
    assert all(said.get("ulp", 0) < 10 for name, said in functions.items() if name[:4] != "cpu.")

    second = closure.python(TRAIN)
    assert second.returncode == 0
    assert "taking the probe" not in second.stderr
    two = closure.newest()
    assert two["probe"] == one["probe"]
    assert two["fingerprint"] == one["fingerprint"]


def test_onednn_is_named_only_where_it_computes(
    closure: Closure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow's own switch takes softmax from it; inside of Eigen's products it stays."""
    monkeypatch.setenv("NIXREPRO_PROBE", "yes")
    closure.variables["TF_ENABLE_ONEDNN_OPTS"] = "0"
    assert closure.run("true").returncode == 0
    functions = closure.newest()["probe"]["functions"]
    assert "by" not in functions["eigen.float32.softmax"]
    assert functions["onednn.float32.matmul"]["by"] == ["gemm_api"]
    assert "eigen.float64.matmul" in functions

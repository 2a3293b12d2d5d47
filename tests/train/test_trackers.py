"""TensorBoard's own reader finds the run in the folders that a real Keras logs into."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nixrepro.runtime.trackers.facts import tags_of

from .conftest import Closure
from .test_classic import classic, project

__all__ = ["classic", "project"]  # its environment has TensorBoard

# First without hyperparameters of its own, then with them, then with both in one folder.
PROGRAM = """
import numpy, tensorflow as tf
from tensorflow import keras
from tensorboard.plugins.hparams import api

def fit(folder, *more):
    model = keras.Sequential([keras.layers.InputLayer((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    board = keras.callbacks.TensorBoard(folder)
    x, y = numpy.ones((4, 2)), numpy.ones((4, 1))
    model.fit(x, y, epochs=2, verbose=0, callbacks=[board, *more])

fit("plain")
with tf.summary.create_file_writer("own").as_default():
    api.hparams({"rate": 0.5})
fit("both", api.KerasCallback("both", {"rate": 0.25, "nixrepro.lock": "my own"}))
"""
READ = """
import json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, summary_v2

def group(values):
    made = summary_v2.hparams_pb(values).value[0].metadata.plugin_data.content
    return metadata.parse_session_start_info_plugin_data(made).group_name

found = {}
for folder in ("plain", "own", "both", "plain/train"):
    board = EventAccumulator(folder)
    board.Reload()
    tags = board.Tags()["tensors"]
    texts = [board.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in tags
             if tag == "nixrepro"]
    try:
        start = board.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG]
        start = metadata.parse_session_start_info_plugin_data(start)
        values = {name: value.string_value or value.number_value
                  for name, value in start.hparams.items()}
        found[folder] = [values, start.group_name, texts]
    except KeyError:
        found[folder] = [{}, "", texts]
found["group"] = group({"rate": 0.5})
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def logged(classic: Closure) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record, and what lies in the folders: hyperparameters, their group, texts."""
    done = classic.python(PROGRAM)
    assert done.returncode == 0, done.stderr
    record = classic.newest()
    read = classic.python(READ, options=("--no-record",))
    assert read.returncode == 0, read.stderr
    return record, json.loads(read.stdout)


def test_keras_log_folder_has_a_session_and_a_text(
    logged: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    record, found = logged
    values, group, (text,) = found["plain"]
    assert values == tags_of(record)
    assert group == record["id"]
    for name, value in values.items():
        assert f"| {name} | {value} |" in text
    assert found["plain/train"] == [{}, "", []]


def test_a_programs_own_hyperparameters_gain_the_run(
    logged: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    record, found = logged
    values, group, texts = found["own"]
    assert values == {**tags_of(record), "rate": 0.5}
    assert group == found["group"]
    assert texts == []
    values, _, texts = found["both"]
    assert values == {**tags_of(record), "rate": 0.25, "nixrepro.lock": "my own"}
    assert len(texts) == 1


def test_the_record_names_the_folders(logged: tuple[dict[str, Any], dict[str, Any]]) -> None:
    record, _ = logged
    assert record["trackers"] == [
        {"kind": "tensorboard", "path": "plain"},
        {"kind": "tensorboard", "path": "both"},
    ]
    assert "problems" not in record["result"]

"""A record that was tampered with: whatever is changed, what is wrong with it is named."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nixrepro.record import Record
from nixrepro.repeat import check, files
from nixrepro.repeat.integrity import sha256_of

from ..lab import Lab

Change = Callable[[dict[str, Any]], Any]


@pytest.fixture
def run(lab: Lab) -> Record:
    lab.commit()
    lab.write("new.txt", "not committed")
    return lab.run()


def subjects(run: Record, change: Change = lambda _: None) -> set[str]:
    document = copy.deepcopy(run.document)
    change(document)
    return {finding.subject for finding in check(run.folder, document)}


def test_as_it_was_written(run: Record) -> None:
    assert subjects(run) == set()
    assert set(files(run.document)) == {"log.txt", "events.jsonl", "code.patch"}


CHANGES: dict[str, tuple[Change, str]] = {
    "id": (lambda d: d.update(id=d["id"][:16] + "0" * 48), "id"),
    "another run's folder": (lambda d: d.update(id="0" * 64), "id"),
    "start": (lambda d: d.update(started="2020-01-01T00:00:00.000000Z"), "started"),
    "process": (lambda d: d["process"].update(pid=1), "process"),
    "experiment": (lambda d: d.update(experiment="0" * 64), "experiment"),
    "environment": (lambda d: d["environment"].update(path="/nix/store/x"), "environment"),
    "closure": (lambda d: d["closure"][0].update(narHash=f"sha256:{'1' * 52}"), "environment"),
    "a path less": (lambda d: d["closure"].clear(), "environment"),
    "seed": (lambda d: d["layers"]["settings"].update(seed=1), "experiment"),
    "command": (lambda d: d["layers"]["settings"]["command"].append("x"), "experiment"),
    "tree": (lambda d: d["layers"]["code"].update(tree="0" * 40), "experiment"),
    "data": (
        lambda d: d["layers"]["data"].append({"name": "x", "sha256": "0" * 64, "pinned": True}),
        "experiment",
    ),
    "weights": (lambda d: d["fingerprint"].update(weights="0" * 64), "fingerprint"),
    "a metric": (lambda d: d["result"]["logged"]["loss"].update(last=0.0), "fingerprint"),
    "a final value": (lambda d: d["result"]["final"].update(loss=0.0), "result.final"),
    "no result": (lambda d: d.update(result={}), "fingerprint"),
    "the log's digest": (lambda d: d["files"]["log"].update(sha256="0" * 64), "log.txt"),
    "the patch's digest": (
        lambda d: d["layers"]["code"]["patch"].update(sha256="0" * 64),
        "code.patch",
    ),
    "a file elsewhere": (
        lambda d: d["files"]["log"].update(file="../../../train.py"),
        "../../../train.py",
    ),
    "an older format": (lambda d: d.update(format=0), "format"),
    "another shape": (lambda d: d.update(layers={"settings": []}), "record.json"),
    "an identity that is none": (lambda d: d.update(identity=None), "record.json"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_key(run: Record, name: str) -> None:
    change, subject = CHANGES[name]
    assert subject in subjects(run, change)


@pytest.mark.parametrize("name", ["log.txt", "events.jsonl", "code.patch"])
def test_a_changed_file(run: Record, name: str) -> None:
    path = run.folder / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert subjects(run) == {name}
    path.unlink()
    (finding,) = check(run.folder, run.document)
    assert (finding.subject, finding.reason) == (name, "it is gone")


def test_what_later_versions_write_besides_does_no_harm(run: Record) -> None:
    def change(document: dict[str, Any]) -> None:
        document["repeats"] = "0" * 64
        document["fingerprint"]["later"] = "x"

    assert subjects(run, change) == set()


def test_data_from_the_network_is_no_part_of_the_experiment(run: Record) -> None:
    def change(document: dict[str, Any]) -> None:
        document["layers"]["data"].append({"name": "x", "sha256": "0" * 64, "pinned": False})

    assert subjects(run, change) == set()


def test_it_is_read_back_as_it_was_checked(run: Record) -> None:
    document = json.loads((run.folder / "record.json").read_bytes())
    assert check(run.folder, document) == ()


def test_what_is_no_file_has_no_digest(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert sha256_of(tmp_path / "pipe") is None
    assert sha256_of(tmp_path) is None

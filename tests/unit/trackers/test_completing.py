"""The record that `mlflow run` is completed with: that of the process that ran, and no other."""

from __future__ import annotations

import json
from pathlib import Path

from nixrepro.runtime.folder import RUNS
from nixrepro.trackers.completing import _recorded


def record(name: str, process: int) -> bytes:
    tables = ("exit", "timings", "result", "fingerprint")
    document = {
        **{key: name for key in ("id", "started", "status", "experiment")},
        **{key: {} for key in tables},
        "format": 1,
        "process": {"pid": process},
        "environment": {"digest": ""},
        "layers": {"settings": {"command": []}},
        "closure": [],
    }
    return json.dumps(document).encode()


def test_another_record_that_is_damaged_is_no_hindrance(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "flake.nix"):
        (tmp_path / name).write_text("[tool.nixrepro]\n")
    runs = {"0": b"{", "1": record("1", 7), "2": record("2", 8)}
    for name, data in runs.items():
        (tmp_path / RUNS / name).mkdir(parents=True)
        (tmp_path / RUNS / name / "record.json").write_bytes(data)
    found = _recorded(tmp_path, 7)
    assert found is not None
    assert found.document["id"] == "1"
    assert _recorded(tmp_path, 9) is None

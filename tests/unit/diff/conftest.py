"""Records, locks and repositories of a test's own."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nixrepro.lock import Artefact, Lock
from nixrepro.record import Record

PATH = "/nix/store/" + "a" * 32 + "-"
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "id": "",
    "status": "done",
    "started": "2026-03-01T10:00:00.000000Z",
    "experiment": "5" * 64,
    "process": {"pid": 1, "start": 1, "boot": ""},
    "exit": {"status": 0, "signal": None, "reason": ""},
    "timings": {"wall": 1.0},
    "environment": {"path": f"{PATH}environment", "digest": "1" * 64, "lock": "2" * 64},
    "layers": {
        "hardware": {
            "cpu": {"model": "A", "flags": ["avx", "fma"], "microcode": {"unknown": "hidden"}},
            "memory": 1000,
        },
        "system": [
            {"name": "libc6", "version": "2.36", "sha256": "a" * 64, "path": f"{PATH}libc6-2.36"}
        ],
        "accelerator": [],
        "wheels": [
            {"name": "numpy", "version": "2.4", "sha256": "b" * 64, "path": f"{PATH}numpy-2.4"}
        ],
        "data": [{"name": "mnist", "sha256": "c" * 64, "path": f"{PATH}mnist", "pinned": True}],
        "code": {"commit": "d" * 40, "tree": "e" * 40, "dirty": False, "large": []},
        "settings": {
            "command": ["python", "train.py"],
            "folder": ".",
            "seed": 42,
            "deterministic": True,
            "variables": {},
            "passed": {},
        },
    },
    "closure": [
        {"path": f"{PATH}libc6-2.36", "narHash": f"sha256:{'0' * 52}", "narSize": 5},
        {"path": f"{PATH}numpy-2.4", "narHash": f"sha256:{'1' * 52}", "narSize": 6},
        {"path": f"{PATH}environment", "narHash": f"sha256:{'2' * 52}", "narSize": 7},
    ],
    "result": {
        "fits": [
            {
                "model": 1,
                "phase": "end",
                "epochs": [{"loss": 0.5, "accuracy": 0.8}, {"loss": 0.25, "accuracy": 0.9}],
                "weights": "7" * 64,
                "tensors": [
                    {"name": "k", "dtype": "float32", "shape": [2], "sha256": "8" * 64},
                    {"name": "b", "dtype": "float32", "shape": [1], "sha256": "9" * 64},
                ],
            }
        ],
        "evaluations": [{"model": 1, "metrics": {"loss": 0.3}}],
        "final": {"loss": 0.25, "accuracy": 0.9, "test_loss": 0.3},
    },
    "fingerprint": {"weights": "7" * 64, "metrics": "6" * 64},
    "files": {},
}

Make = Callable[..., Record]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a record in the project `tmp_path`; `edit` changes its document, `steps` are lines."""

    def write(
        run: str = "a", edit: Callable[[dict[str, Any]], None] | None = None, steps: str = ""
    ) -> Record:
        document = copy.deepcopy(DOCUMENT)
        document["id"] = (run * 64)[:64]
        if edit:
            edit(document)
        folder = tmp_path / ".nixrepro" / "runs" / document["id"][:16]
        folder.mkdir(parents=True)
        if steps:
            (folder / "steps.jsonl").write_text(steps)
        (folder / "record.json").write_text(json.dumps(document))
        return Record(folder, document)

    return write


def deb(name: str, version: str, sha256: str = "", **more: Any) -> Artefact:
    """A Debian package of a lock."""
    file = f"{name}_{version}_amd64.deb"
    return Artefact(
        layer="system",
        name=name,
        version=version,
        kind="deb",
        file=file,
        size=1,
        sha256=sha256 or "a" * 64,
        archive="debian",
        location=f"pool/main/{name}/{file}",
        **{"role": "", **more},
    )


def lock(*artefacts: Artefact) -> Lock:
    """A lock of some artefacts."""
    return Lock("3.11.2", "2.36", {"record-urls": False}, artefacts)


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, whatever the caller's settings are."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()

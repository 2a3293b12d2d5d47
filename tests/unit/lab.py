"""A project in Git with a made-up environment, whose runs are recorded and repeated for real."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nixrepro.runtime
from nixrepro import record
from nixrepro.nix import Nix
from nixrepro.realise import Environment
from nixrepro.record import Record
from nixrepro.repeat import realised, repeat
from nixrepro.run import command, without

STORE = f"/nix/store/{'0' * 32}-environment"
NAR = f"sha256:{'0' * 52}"
DIGEST = hashlib.sha256(f"{STORE} {NAR}\n".encode()).hexdigest()
# Metrics of three steps, one text on standard output.
PROGRAM = """
import nixrepro_runtime as nr
for step in range(3):
    nr.log(loss=1 / (step + 2), step=step)
print(open("train.py").read())
"""


class Lab:
    """A project that this machine's own Python runs in, as if it were a closure's."""

    def __init__(self, folder: Path, inside: str = "") -> None:
        self.top = folder / "repository"
        self.root = self.top / inside
        self.root.mkdir(parents=True)
        site = folder / "env" / "lib" / "python3.11" / "site-packages"
        site.mkdir(parents=True)
        (site / "nixrepro_runtime").symlink_to(Path(nixrepro.runtime.__path__[0]))
        binary = folder / "env" / "bin" / "python"
        binary.parent.mkdir()
        start = (
            f"import runpy, sys; sys.path.insert(0, {str(site)!r}); "
            "runpy.run_module('nixrepro_runtime.launch', run_name='__main__', alter_sys=True)"
        )
        # It is called as `python -I -m nixrepro_runtime.launch OPTIONS`.
        binary.write_text(f'#!/bin/sh\nshift 3\nexec {sys.executable} -I -c "{start}" "$@"\n')
        binary.chmod(0o755)
        self.environment = Environment(
            path=str(folder / "env"),
            system="",
            facts=str(folder / "facts.json"),
            settings=str(folder / "settings.json"),
            variables={},
        )
        self.facts: dict[str, Any] = {
            "format": 1,
            "identity": {"path": STORE, "digest": DIGEST},
            "system": "",
            "layers": {"system": [], "accelerator": [], "wheels": [], "data": []},
            "closure": [{"path": STORE, "narHash": NAR, "narSize": 5}],
            "variables": {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        }
        self.settings: dict[str, Any] = {
            "seed": 42,
            "deterministic": True,
            "variables": {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
            "pass": ["TOKEN"],
            "command": ["true"],
            "data": {},
        }
        self.said: list[str] = []
        self.git("init", "--quiet", cwd=self.top)
        self.write("nixrepro.lock", "version = 1\n")
        self.write("pyproject.toml", "[tool.nixrepro]\n")
        self.write(".gitignore", ".nixrepro/\n*.log\n")
        self.write("train.py", PROGRAM)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def git(self, *words: str, cwd: Path | None = None) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@mirror.example")
        done = subprocess.run(
            ["git", *who, *words], cwd=cwd or self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all", cwd=self.top)
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
        return self.git("rev-parse", "HEAD")

    def run(self, *words: str, folder: str = ".") -> Record:
        """A recorded run; of train.py where no words are given."""
        lock = hashlib.sha256((self.root / "nixrepro.lock").read_bytes()).hexdigest()
        Path(self.environment.facts).write_text(json.dumps({**self.facts, "lock": lock}))
        Path(self.environment.settings).write_text(json.dumps(self.settings))
        before = {line.id for line in record.runs(self.root)}
        argv = command(self.environment, self.root, words or ("python", "train.py"), record=True)
        subprocess.run(
            argv,
            cwd=self.root / folder,
            env=without(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        (new,) = {line.id for line in record.runs(self.root)} - before
        return record.load(self.root, new)

    def repeat(self, run: Record, **more: Any) -> Record:
        return repeat(self.root, run, Nix(), **{"steps": None, "say": self.said.append, **more})

    def log(self, run: Record) -> str:
        return (run.folder / "log.txt").read_text()

    def left(self) -> list[str]:
        """What repetitions left of themselves."""
        return sorted(path.name for path in (self.root / ".nixrepro" / "repeats").glob("*-*"))


def furnish(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no Nix asked for the environment."""
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.setattr(realised, "environment", lambda *_: lab.environment)

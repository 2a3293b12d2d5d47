"""A run with a lock, and stores that are folders: one where it ran, one where nothing is."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from nixrepro import config as configs
from nixrepro import flake_lock
from nixrepro import lock as locks
from nixrepro.bundle import stage
from nixrepro.bundle.manifest import Manifest
from nixrepro.lock import Artefact, Lock, store_name
from nixrepro.nix import Nix
from nixrepro.record import Record
from nixrepro.verify.display import Silent

from ..lab import Lab, furnish

FILES = {"numpy-2.1-py3-none-any.whl": b"numpy", "six-1.16-py2.py3-none-any.whl": b"six"}


@dataclass
class Shelf:
    """A store that is a folder."""

    root: Path

    @property
    def nix(self) -> Nix:
        return Nix(variables={"NIX_REMOTE": f"local?root={self.root}"})

    def place(self, path: str) -> Path:
        return self.root / path[1:]

    def valid(self, paths: list[str]) -> set[str]:
        return {path for path in paths if self.place(path).exists()}

    def add(self, files: list[Path]) -> list[str]:
        found = []
        for file in files:
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            found.append(self.nix.store_path(file.name, sha256))
            self.place(found[-1]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, self.place(found[-1]))
        return found

    def files(self) -> set[str]:
        return {path.name.split("-", 1)[1] for path in self.root.glob("nix/store/*")}


@dataclass
class World:
    """The machine that a run was made on, and an empty store."""

    lab: Lab
    here: Shelf
    there: Shelf

    def bundle(
        self, run: Record, target: Path, *, history: bool = False, closure: bool = False
    ) -> Manifest:
        return stage.bundle(
            self.lab.root,
            run,
            target,
            self.here.nix,
            closure=closure,
            history=history,
            say=self.lab.said.append,
            progress=Silent(),
        )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    lab = Lab(tmp_path, "models/a")
    furnish(lab, monkeypatch)
    found = World(lab, Shelf(tmp_path / "here"), Shelf(tmp_path / "there"))
    shelves = {each.nix.variables["NIX_REMOTE"]: each for each in (found.here, found.there)}

    def shelf(nix: Nix) -> Shelf:
        return shelves[nix.variables["NIX_REMOTE"]]

    monkeypatch.setattr(Nix, "valid", lambda nix, paths: shelf(nix).valid(list(paths)))
    monkeypatch.setattr(Nix, "add_fixed", lambda nix, files: shelf(nix).add(files))
    monkeypatch.setattr(Nix, "delete", lambda nix, path: shelf(nix).place(path).unlink() or True)
    monkeypatch.setattr(stage, "bring", lambda *_, **__: None)
    monkeypatch.setattr("nixrepro.gc.keep_recorded", lambda *_: 0)
    question = configs.question(configs.load(lab.root))
    made = []
    for name, content in FILES.items():
        file = tmp_path / name
        file.write_bytes(content)
        found.here.add([file])
        sha256 = hashlib.sha256(content).hexdigest()
        package, version = name.split("-")[:2]
        made.append(
            Artefact("wheels", package, version, "wheel", "", name, len(content), sha256, "", "")
        )
        assert store_name(name) == name
    locks.save(lab.root / locks.FILE, Lock("3.11.2", "2.36", question, tuple(made)))
    (lab.root / flake_lock.FILE).write_text(flake_lock.text())
    lab.commit()
    return found

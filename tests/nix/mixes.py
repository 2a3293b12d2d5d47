"""A small project whose locks differ in as many tiny distributions as a test wants."""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nixrepro import lock as locks
from nixrepro.config import load, question
from nixrepro.lock import Artefact, Lock
from nixrepro.nix import Nix

from .own_store import smaller
from .session import Own

PROJECT = """\
[project]
name = "mixes"
version = "0"

[tool.nixrepro]
record-urls = false

[tool.nixrepro.wheels]
project = false

[tool.nixrepro.train]
command = ["python", "train.py"]

"""


def wheel(folder: Path, name: str, version: str, code: str, requires: Iterable[str] = ()) -> Path:
    """Make a wheel with one module; the same bytes each time."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {line}\n" for line in requires)
    files = {
        f"{name}.py": f"{code}\n",
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for file, text in files.items():
        found = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        rows.append(f"{file},sha256={found.decode()},{len(text)}\n")
    files[f"{about}/RECORD"] = "".join([*rows, f"{about}/RECORD,,\n"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), text)
    return path


class Mixes:
    """A project with the locks `a.lock` and `b.lock`."""

    def __init__(self, folder: Path, program: str, *, whole: bool = False) -> None:
        """Have the project.

        Args:
            folder: a new folder.
            program: what it trains.
            whole: whether to have this repository's base, with which the tool itself runs too; else
                only what every environment needs.
        """
        self.own = Own.copied(folder / "project")
        self.root = self.own.root
        self.nix = Nix()
        stated = re.search(r"^\[tool\.nixrepro\.base\]\n.*?\n\n", _text(self.root), re.M | re.S)
        assert stated
        self.project = PROJECT + stated[0]
        (self.root / "pyproject.toml").write_text(self.project)
        (self.root / "train.py").write_text(program)
        base = locks.load(self.root / locks.FILE)
        base = base if whole else smaller(base)
        base = replace(base, question=question(load(self.root)))
        kept = tuple(each for each in base.artefacts if each.layer == "system")
        self.base = replace(base, artefacts=kept)
        self._files = folder / "files"
        self._files.mkdir()

    def lock(self, name: str, packages: Iterable[Artefact]) -> Lock:
        """Write a lock of the base and some distributions."""
        made = tuple(sorted((*self.base.artefacts, *packages), key=locks.order))
        lock = replace(self.base, artefacts=made)
        locks.save(self.root / name, lock)
        return lock

    def package(self, name: str, version: str, code: str, *requires: str) -> Artefact:
        """A distribution of one module, in the store."""
        path = wheel(self._files, name, version, code, requires)
        self.nix.add_fixed([path])
        needed = sorted(re.split(r"[<>=]", line)[0] for line in requires)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Artefact(
            "wheels", name, version, "wheel", "", path.name, path.stat().st_size, digest, "", "",
            dependencies=tuple(needed),
        )  # fmt: skip


def _text(root: Path) -> str:
    return (root / "pyproject.toml").read_text()

"""The peers: mmdebstrap for the system, pip or uv for the wheels, from the same local files."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import local
import measure
from uv import find_uv_bin

from nixrepro.config import Config
from nixrepro.lock import Lock


@dataclass(frozen=True)
class Peers:
    """Runs each peer in folders of its own below `folder`."""

    config: Config
    lock: Lock
    files: Path
    folder: Path

    @property
    def pins(self) -> list[str]:
        """Every distribution of the environment, as a requirement for exactly its version."""
        return [
            f"{item.name}=={item.version}"
            for item in self.lock.artefacts
            if item.kind in ("wheel", "sdist") and not item.role
        ]

    def check(self) -> None:
        """Raise `measure.Failed` where this Python can't install the lock's wheels."""
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        if not self.lock.python.startswith(here + "."):
            raise measure.Failed(f"the lock is for Python {self.lock.python}, this one is {here}")

    def system(self, line: str) -> measure.Reading:
        """mmdebstrap into a new folder."""
        target = self.folder / "system"
        words = ["mmdebstrap", "--variant=minbase", f"--include={local.included(self.config)}"]
        try:
            return measure.run([*words, self.config.base.suite, target, line])
        finally:
            shutil.rmtree(target, ignore_errors=True)

    def venv(self, name: str) -> Path:
        """A new, empty virtual environment with pip; not timed."""
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        measure.run([sys.executable, "-m", "venv", target])
        return target

    def pip(self, venv: Path) -> measure.Reading:
        """pip, which also compiles bytecode."""
        words = [str(venv / "bin/python"), "-m", "pip", "install", "--no-index", "--no-cache-dir"]
        return measure.run([*words, "--find-links", str(self.files), *self.pins])

    def uv(self, venv: Path, cache: Path) -> measure.Reading:
        """uv, which compiles no bytecode unless told to."""
        words = [find_uv_bin(), "pip", "install", "--no-config", "--no-index", "--offline"]
        words += ["--python", str(venv), "--cache-dir", str(cache)]
        words += ["--find-links", str(self.files)]
        return measure.run([*words, *self.pins])

"""The tool and its Nix library, in a store of their own or in the machine's."""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import measure

from nixrepro.lock import Lock


@dataclass(frozen=True)
class Closure:
    """Store paths of what the project's flake builds, in the machine's store."""

    environment: Path
    facts: Path
    settings: Path


def closure(root: Path) -> Closure:
    """Build the project's environment, if it is not there yet."""
    measure.run(["nixrepro", "fetch"], cwd=root)
    wanted = ["environment", "facts", "settings"]
    built = measure.run(
        ["nix", "build", "--no-link", "--json", *(f".#{name}" for name in wanted)], cwd=root
    )
    return Closure(*(Path(item["outputs"]["out"]) for item in json.loads(built.output)))


def built(root: Path, output: str) -> Path:
    """Store path of one output of the project's flake, built if it is not there yet."""
    words = ["nix", "build", "--no-link", "--json", f".#{output}"]
    return Path(json.loads(measure.run(words, cwd=root).output)[0]["outputs"]["out"])


@dataclass(frozen=True)
class Store:
    """A store below `folder` for `project`, its files from the folder `files`."""

    folder: Path
    project: Path
    files: Path

    @property
    def variables(self) -> dict[str, str]:
        """What makes tool and Nix work in this store alone."""
        return {
            "NIX_REMOTE": f"local?root={self.folder}",
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def fetch(self) -> measure.Reading:
        """Every artefact, from the folder into the store."""
        words = ["nixrepro", "fetch", "--offline", "--from", self.files]
        return measure.run(words, env=self.variables, cwd=self.project)

    def build(self) -> measure.Reading:
        """The environment, from what was fetched."""
        words = ["nix", "build", "--no-link", ".#environment"]
        return measure.run(words, env=self.variables, cwd=self.project)

    def remove(self) -> None:
        """Delete the store; its folders are read-only."""

        def force(function: object, path: str, _: object) -> None:
            parent = os.path.dirname(path)
            os.chmod(parent, stat.S_IRWXU)
            os.chmod(path, stat.S_IRWXU)
            if os.path.isdir(path):
                shutil.rmtree(path, onerror=force)
            else:
                os.unlink(path)

        shutil.rmtree(self.folder, onerror=force)


def copy_project(root: Path, target: Path) -> Path:
    """The files that the flake reads, in a folder that no git knows."""
    target.mkdir()
    for name in ("flake.nix", "flake.lock", "nixrepro.lock", "pyproject.toml", "nix"):
        source = root / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        else:
            shutil.copy(source, target / name)
    shutil.copytree(
        root / "nixrepro/runtime",
        target / "nixrepro/runtime",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return target


def smallest_wheel(lock: Lock) -> str:
    """The file name of the environment's smallest pure wheel."""
    wheels = [item for item in lock.artefacts if item.kind == "wheel" and not item.role]
    pure = [item for item in wheels if item.file.endswith("-none-any.whl")]
    return min(pure or wheels, key=lambda item: (item.size, item.file)).file

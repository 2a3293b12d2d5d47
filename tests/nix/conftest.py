"""A real Nix, and one realised closure that all tests here and in tests/train share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from grp import getgrall
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .own_store import OwnStore

REPOSITORY = Path(__file__).parents[2]
PARTS = ("flake.nix", "flake.lock", "nixrepro.lock", "pyproject.toml", "nix", "train", "examples")
NIX_CONFIG = "\n".join(
    [
        "experimental-features = nix-command flakes",
        "sandbox = true",
        "sandbox-fallback = false",
        "substitute = false",
        "max-jobs = auto",
        # Debian's nix-bin alone brings no build users.
        *([] if "nixbld" in {each.gr_name for each in getgrall()} else ["build-users-group ="]),
    ]
)

# A new project takes the probe of its arithmetic once, which takes seconds; `test_probe.py` does.
os.environ["NIXREPRO_PROBE"] = "no"


@dataclass(frozen=True)
class Done:
    """What a program left."""

    status: int
    out: str
    err: str


def call(
    argv: Sequence[str | Path], cwd: Path | None = None, env: dict[str, str] | None = None
) -> Done:
    """Run a program as a person would, with Nix set up as the README says."""
    variables = {**os.environ, "NIX_CONFIG": NIX_CONFIG, **(env or {})}
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def checked(argv: Sequence[str | Path], cwd: Path | None = None) -> str:
    """The standard output of a program that must succeed."""
    done = call(argv, cwd)
    assert done.status == 0, done.err
    return done.out.strip()


def copy_project(target: Path) -> Path:
    """This repository's project as somebody who has no git would have it."""
    target.mkdir(parents=True, exist_ok=True)
    for name in PARTS:
        source = REPOSITORY / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignored)
        else:
            shutil.copy(source, target / name)
    runtime = target / "nixrepro" / "runtime"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "nixrepro" / "runtime", runtime, ignore=ignored)
    return target


@dataclass(frozen=True)
class Project:
    """A folder with nixrepro's files in it."""

    root: Path

    def nixrepro(self, *words: str) -> Done:
        """`nixrepro` in this project."""
        return call([sys.executable, "-m", "nixrepro", "-C", self.root, *words], REPOSITORY)

    def build(self, output: str) -> Path:
        """`nix build .#OUTPUT`; its store path."""
        reference = f"path:{self.root}#{output}"
        argv = ["nix", "build", "--offline", "--no-link", "--json", reference]
        done = call(argv)
        assert done.status == 0, done.err
        import json

        return Path(json.loads(done.out)[0]["outputs"]["out"])


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """This repository's project, fetched and realised: a few seconds where it was before."""
    found = Project(copy_project(tmp_path_factory.mktemp("project")))
    done = found.nixrepro("run", "--no-record", "--", "true")
    assert done.status == 0, done.err
    return found


@pytest.fixture(scope="session")
def environment(project: Project) -> Path:
    """Store path of its environment."""
    return project.build("environment")


@pytest.fixture(scope="session")
def system(project: Project) -> Path:
    """Store path of its system layer."""
    return project.build("system")


Evaluate = Callable[[str, str], Done]


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str, Path], Done]:
    """Builds an expression over the library's parts, with a lock of the test's own."""

    def build(expression: str, lock: Path) -> Done:
        nix = REPOSITORY / "nix"
        text = f"""
          let
            store = import {nix}/store.nix {{ system = "x86_64-linux"; }};
            lock = import {nix}/lock.nix {lock};
            base = import {nix}/debian.nix {{ inherit store lock; }};
            tree = import {nix}/tree.nix {{ inherit store lock base; }};
            wheels = import {nix}/wheels.nix {{ inherit store lock base tree; }};
          in {expression}
        """
        return call(["nix-build", "--no-out-link", "-E", text])

    return build


@pytest.fixture(scope="session")
def own_store(project: Project, tmp_path_factory: pytest.TempPathFactory) -> OwnStore:
    """A small environment in a store of its own; who harms it mends it."""
    from .own_store import OwnStore

    return OwnStore(tmp_path_factory.mktemp("own-store"))

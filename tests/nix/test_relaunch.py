"""A run launched again from its bundle alone: an empty store, no network, no project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import NIX_CONFIG, Done
from .own_store import OwnStore
from .session import PYTHON, Own, unshared

# The machine's /nix is another folder for what is started.
WITHIN = 'mount --bind "$1" /nix; cd "$2"; shift 2; exec "$@"'
ALONE = 'mount --bind "$1" /nix; cd "$2"; shift 2; exec unshare --net "$@"'
# Build users are shared by all stores, and Nix kills what it finds of a user.
CONFIG = f"{NIX_CONFIG}\nbuild-users-group ="
PROGRAM = "import six, nixrepro_runtime as nr; nr.log(sum=sum(map(ord, six.__version__)), step=1)"


@dataclass
class Machine:
    """A store that stands in for the machine's own, and a folder."""

    nix: Path
    folder: Path

    def __call__(self, *words: str | Path, script: str = ALONE, **more: str) -> Done:
        self.nix.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        env: Mapping[str, str] = Own(self.folder).variables(**{"NIX_CONFIG": CONFIG, **more})
        return unshared("mount", script, self.nix, self.folder, *PYTHON, *words, env=env)

    def records(self) -> list[dict[str, Any]]:
        found = self.folder.glob(".nixrepro/runs/*/record.json")
        return sorted((json.loads(path.read_bytes()) for path in found), key=lambda r: r["started"])


@pytest.fixture(scope="module")
def here(own_store: OwnStore, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Where it ran: the small environment, a project in Git."""
    folder = tmp_path_factory.mktemp("here") / "project"
    shutil.copytree(
        own_store.own.root, folder, symlinks=True, ignore=shutil.ignore_patterns(".nixrepro")
    )
    (folder / ".gitignore").write_text(".nixrepro/\n")
    who = ("-c", "user.name=A", "-c", "user.email=a@mirror.example")
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "-m", "a")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    (folder / "new.txt").write_text("not committed")
    found = Machine(own_store.root / "nix", folder)
    done = found("run", "--", "python", "-c", f"{PROGRAM}; print(open('new.txt').read())")
    assert done.status == 0, done.err
    assert done.out == "not committed\n"
    return found


@pytest.fixture(scope="module")
def bundle(here: Machine) -> Path:
    path = here.folder.parent / "run.tar"
    done = here("bundle", "last", "-o", path, "--closure")
    assert done.status == 0, done.err
    assert done.out == f"{path}\n"
    return path


def same(here: Machine, there: Machine) -> None:
    """The last of there is what ran here."""
    old, new = here.records()[0], there.records()[-1]
    assert new["relaunches"] == old["id"]
    assert new["changed"] == {}
    for key in ("experiment", "fingerprint"):
        assert new[key] == old[key]
    assert new["environment"] == old["environment"]
    assert new["layers"]["code"] == old["layers"]["code"]


def test_from_artefacts_alone(here: Machine, bundle: Path, tmp_path: Path) -> None:
    there = Machine(tmp_path / "nix", tmp_path / "bare")
    done = there("relaunch", bundle)
    assert done.status == 0, done.err
    assert "--closure takes it" in done.err
    assert "not committed\n" in done.err
    same(here, there)
    # What it has by now is used again, and kept.
    assert len(list((there.folder / ".nixrepro" / "roots").iterdir())) == 1
    done = there("relaunch", bundle, "--set", "seed=7")
    assert done.status == 0, done.err
    assert "into the store" not in done.err
    assert there.records()[-1]["changed"] == {"settings.seed": [42, 7]}
    done = there("verify", bundle, "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)["verdicts"]
    assert [(each["check"], each["state"]) for each in told] == [
        ("bundle", "same"),
        ("run", "same"),
        ("run", "same"),
    ]


def test_with_what_was_built(here: Machine, bundle: Path, tmp_path: Path) -> None:
    there = Machine(tmp_path / "nix", tmp_path / "bare")
    # Without a builder: nothing can be built.
    config = f"{CONFIG}\nmax-jobs = 0\nbuilders ="
    done = there("relaunch", bundle, "--closure", NIX_CONFIG=config)
    assert done.status == 0, done.err
    same(here, there)


def test_from_a_binary_cache(here: Machine, bundle: Path, tmp_path: Path) -> None:
    """Caches that a machine's Nix is set up with are asked, and need no bundle's trust."""
    cache = tmp_path / "cache"
    with_signatures = "require-sigs = false"  # as a machine that trusts its own cache
    from nixrepro.bundle.reading import open_bundle

    opened = open_bundle(bundle)
    for name in opened.names("cache/"):
        opened.extract(name, tmp_path / name)
    there = Machine(tmp_path / "nix", tmp_path / "clone")
    shutil.copytree(here.folder, there.folder, symlinks=True)
    config = f"{CONFIG}\n{with_signatures}"
    said = there(
        "relaunch",
        "last",
        "--substituter",
        f"file://{cache}",
        "--from",
        tmp_path,
        NIX_CONFIG=config,
    )
    assert said.status == 0, said.err
    assert "asking binary caches" in said.err
    assert "is built here" not in said.err
    same(here, there)


def test_a_shallow_clone_is_no_obstacle(here: Machine, tmp_path: Path) -> None:
    """Nix refuses a clone without its history, as CI makes them, unless it is told to take it."""
    clone = tmp_path / "clone"
    words = ["git", "clone", "--quiet", "--depth", "1", f"file://{here.folder}", str(clone)]
    subprocess.run(words, check=True, env={**os.environ, "GIT_ALLOW_PROTOCOL": "file"})
    assert (clone / ".git" / "shallow").exists()
    done = Machine(here.nix, clone)("run", "--", "python", "-c", PROGRAM)
    assert done.status == 0, done.err

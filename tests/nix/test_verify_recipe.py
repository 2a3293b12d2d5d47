"""The recipe for CI does what its page says: a fresh machine needs no more than its cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nixrepro import lock as locks
from nixrepro.nix import Nix

from .conftest import NIX_CONFIG, REPOSITORY, Done, Project, call
from .own_store import smaller
from .session import Own

RECIPE = REPOSITORY / "examples" / "ci" / "verify.sh"


class Pipeline:
    """A small project, a cache that CI keeps, and machines that run the recipe."""

    def __init__(self, folder: Path) -> None:
        self.own = Own.copied(folder / "project")
        self.cache = folder / "cache"
        self.tools = folder / "bin"
        self.tools.mkdir()
        tool = self.tools / "nixrepro"
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nixrepro "$@"\n')
        tool.chmod(0o755)
        file = self.own.root / locks.FILE
        locks.save(file, smaller(locks.load(file)))
        (self.own.root / "ci").mkdir()
        shutil.copy(RECIPE, self.own.root / "ci")
        for words in (["init", "-q"], ["add", "."]):
            subprocess.run(["git", *words], cwd=self.own.root, check=True)

    def __call__(self, store: Path | None = None, **more: str) -> Done:
        shutil.rmtree(self.own.root / "reports", ignore_errors=True)
        env = {
            "PATH": f"{self.tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "NIX_CONFIG": NIX_CONFIG,
            "NIXREPRO_CACHE": str(self.cache),
            **({"NIX_REMOTE": f"local?root={store}"} if store else {}),
            **more,
        }
        return call(["sh", "ci/verify.sh"], self.own.root, env)

    def states(self, name: str) -> dict[str, bool]:
        """Whether each case of a report passed."""
        import junitparser

        report = junitparser.JUnitXml.fromfile(str(self.own.root / "reports" / f"{name}.xml"))
        return {case.name: case.is_passed for suite in report for case in suite}


@pytest.fixture(scope="module")
def pipeline(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return Pipeline(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """The store of a machine that has nothing."""
    yield tmp_path / "store"
    for folder, _, _ in os.walk(tmp_path / "store"):
        os.chmod(folder, 0o755)


def test_the_first_time_it_fills_the_cache(pipeline: Pipeline) -> None:
    done = pipeline()
    assert done.status == 0, done.err
    assert set(pipeline.states("lock").values()) == {True}
    assert {"environment", "paths", "bytes"} <= pipeline.states("verify").keys()
    kept = (pipeline.cache / "paths").read_text().split()
    assert len(kept) == len(list(pipeline.cache.glob("*.narinfo"))) > 100
    assert any("six-" in path and path.endswith(".whl") for path in kept)


def test_a_fresh_machine_takes_all_from_the_cache(pipeline: Pipeline, fresh: Path) -> None:
    assert (pipeline.cache / "paths").exists() or pipeline().status == 0
    shutil.rmtree(pipeline.own.root / ".nixrepro", ignore_errors=True)
    done = pipeline(fresh)
    assert done.status == 0, done.err
    # Neither fetched nor realised: a program of that store could not even be started here.
    assert "realising" not in done.err
    assert "files are in the store" not in done.err
    assert set(pipeline.states("verify").values()) == {True}

    # What it would be mended from is there too.
    nix = Nix(variables={"NIX_REMOTE": f"local?root={fresh}"})
    artefacts = locks.load(pipeline.own.root / locks.FILE).artefacts
    paths = [nix.store_path(locks.store_name(a.file), a.sha256) for a in artefacts]
    assert nix.valid(paths) == set(paths)


def test_it_stops_where_the_files_do_not_agree(pipeline: Pipeline, fresh: Path) -> None:
    path = pipeline.own.root / "pyproject.toml"
    text = path.read_text()
    path.write_text(text.replace('"gcc"', '"gawk"', 1))
    try:
        done = pipeline(fresh, GITHUB_ACTIONS="true")
    finally:
        path.write_text(text)
    assert done.status == 1
    assert pipeline.states("lock")["configuration"] is False
    assert not (pipeline.own.root / "reports" / "verify.xml").exists()
    assert not fresh.exists()
    assert "::error file=pyproject.toml,line=" in done.err


def test_a_damaged_cache_is_seen(pipeline: Pipeline, fresh: Path, tmp_path: Path) -> None:
    assert (pipeline.cache / "paths").exists() or pipeline().status == 0
    kept, pipeline.cache = pipeline.cache, tmp_path / "cache"
    try:
        shutil.copytree(kept, pipeline.cache)
        nar = max((pipeline.cache / "nar").iterdir(), key=lambda path: path.stat().st_size)
        nar.write_bytes(nar.read_bytes()[:-100])
        done = pipeline(fresh)
    finally:
        pipeline.cache = kept
    assert done.status != 0

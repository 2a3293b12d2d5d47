"""The CPU and the number of threads as causes, shown in the real closure."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nixrepro import record
from nixrepro.nix import Nix

from .conftest import ROOT

PARTS = ("flake.nix", "flake.lock", "nixrepro.lock", "pyproject.toml", "nix")
# What OpenBLAS and numpy compute by the CPU's instructions, and by the number of threads.
PROGRAM = """
import numpy as np, nixrepro_runtime as nr
x = np.random.default_rng(1).standard_normal((1000, 1003)).astype("float32")
nr.log(loss=float((x.T @ x[:, 0]).sum()))
nr.log(product=float(np.square(x @ x.T).astype("float64").sum()))
"""


class Project:
    """This repository's environment in a Git repository of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        for name in PARTS:
            if (ROOT / name).is_dir():
                shutil.copytree(
                    ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(ROOT / name, root / name)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(
            ROOT / "nixrepro" / "runtime", root / "nixrepro" / "runtime", ignore=ignored
        )
        (root / ".gitignore").write_text(".nixrepro/\n")
        (root / "train.py").write_text(PROGRAM)
        who = ("-c", "user.name=A", "-c", "user.email=a@mirror.example")
        for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "one"]):
            subprocess.run(["git", *who, *words], cwd=root, check=True)

    def nixrepro(self, *words: str, on: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*on, sys.executable, "-m", "nixrepro", *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NIXREPRO_PROBE": "no"},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *, on: tuple[str, ...] = ()) -> str:
        done = self.nixrepro("run", "--", "python", "train.py", on=on)
        assert done.returncode == 0, done.stderr
        return str(record.load(self.root).document["id"])

    def explain(self, a: str, b: str) -> dict[str, Any]:
        done = self.nixrepro("explain", "--json", a, b)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("explain") / "project")


@pytest.fixture(scope="module")
def here(project: Project) -> str:
    return project.run()


@pytest.fixture(scope="module")
def elsewhere(project: Project, here: str) -> str:
    """A run as a machine without AVX-512 records it, or, where there is none here, without AVX."""
    vcpu = f"{Nix().build(project.root, 'vcpu')}/bin/vcpu"
    flags = record.load(project.root, here).document["layers"]["hardware"]["cpu"]["flags"]
    cpu = "haswell" if "avx512f" in flags else "x86-64-v2"
    return project.run(on=(vcpu, "--cpu", cpu, "--"))


def test_another_cpu_is_tried_by_its_recorded_table(
    project: Project, here: str, elsewhere: str
) -> None:
    found = project.explain(here, elsewhere)
    assert (found["state"], found["cause"], found["base"]) == ("explained", ["hardware.cpu"], "A")
    assert [each["key"] for each in found["likely"]] == ["hardware.cpu"]
    assert found["likely"][0]["reasons"][0].endswith("that is rounding")


def test_a_run_of_the_other_machine_is_the_base_too(
    project: Project, here: str, elsewhere: str
) -> None:
    found = project.explain(elsewhere, here)
    assert (found["state"], found["cause"], found["base"]) == ("explained", ["hardware.cpu"], "A")
    # The supervisor was on the other CPU too, and recorded it.
    trial = project.root / found["trials"][0]["folder"] / "record.json"
    of = record.load(project.root, elsewhere).document["layers"]["hardware"]["cpu"]["table"]
    assert json.loads(trial.read_text())["layers"]["hardware"]["cpu"]["table"] == of


def test_one_thread_against_two_beside_code_that_changes_nothing(project: Project) -> None:
    file = project.root / "pyproject.toml"
    text = file.read_text()
    runs = []
    for number in (1, 2):
        file.write_text(f"{text}\n[tool.nixrepro.numerics]\nthreads = {number}\n")
        runs.append(project.run())
        (project.root / "notes.txt").write_text("not committed")
    (project.root / "notes.txt").unlink()
    file.write_text(text)
    found = project.explain(*runs)
    assert found["cause"] == ["settings.numerics.threads"]
    assert found["harmless"] == ["code"]
    assert found["text"].startswith("The metrics differ (the logged loss")


def test_diff_says_a_cpu_in_a_line(project: Project, here: str, elsewhere: str) -> None:
    lines = project.nixrepro("diff", here, elsewhere).stdout.splitlines()
    (line,) = (line for line in lines if line.startswith("  cpu.table"))
    assert "answers of CPUID differ; lacks" in line and "avx" in line
    assert not any(line.startswith("  cpu.flags") for line in lines)

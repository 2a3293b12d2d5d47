"""The environment of examples/2021: wheels of March 2022, on a machine of today."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro import vendor
from nixrepro.cli.entering import enter

from .conftest import MAKE, MNIST, ROOT, Closure

EXAMPLE = ROOT / "examples" / "2021"
SCRIPT = ROOT / "examples" / "article" / "train.py"
WANTED = {
    "tensorflow": "2.8.0",
    "numpy": "1.21.2",
    "pandas": "1.3.4",
    "scikit-learn": "1.0.2",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with the article's script, as somebody who tries it makes it."""
    root = tmp_path_factory.mktemp("classic")
    shutil.copytree(EXAMPLE, root, dirs_exist_ok=True)
    shutil.copy(SCRIPT, root)
    vendor.refresh(root)
    return root


@pytest.fixture(scope="module")
def classic(project: Path) -> Closure:
    """Its environment, realised if it isn't yet, and a small file for what it trains on."""
    environment = enter(project)[1]
    path = project / "mnist.npz"
    subprocess.run([f"{environment.path}/bin/python", "-c", MAKE, str(path)], check=True)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    data = {"mnist": {"url": MNIST, "path": str(path), "sha256": sha256}}
    return Closure(environment, project, data)


def test_the_lock_answers_the_four_lines(project: Path) -> None:
    config = configs.load(project)
    lock = locks.load(project / locks.FILE)
    assert locks.compare(lock, config) == []
    lines = (EXAMPLE / "requirements.txt").read_text().split()
    assert dict(line.split("==") for line in lines) == WANTED
    found = {a.name: a for a in lock.artefacts if a.layer == "wheels" and not a.role}
    assert {name: found[name].version for name in WANTED} == WANTED
    assert (lock.python, lock.glibc) == ("3.9.2", "2.31")
    # Of a later day it would be 4 or more, with which TensorFlow 2.8 can't be imported.
    assert found["protobuf"].version.startswith("3.")
    assert [name for name, each in found.items() if each.kind == "sdist"] == ["termcolor"]
    assert {a.layer for a in lock.artefacts if a.url} == {"data"}


def test_it_trains_the_same_twice_and_its_record_says_what_it_was(classic: Closure) -> None:
    done = [classic.run("python", "train.py")]
    first = classic.newest()
    done.append(classic.run("python", "train.py"))
    second = classic.newest()
    assert [each.returncode for each in done] == [0, 0], done[0].stderr
    assert done[0].stdout == done[1].stdout
    assert done[0].stdout.startswith("Final accuracy: 0.9")
    assert first["id"] != second["id"]
    assert len(first["fingerprint"]["weights"]) == 64
    assert first["fingerprint"] == second["fingerprint"]
    assert first["result"]["data"][0]["pinned"] is True
    layers = {each["name"]: each["version"] for each in first["layers"]["wheels"]}
    assert {name: layers[name] for name in WANTED} == WANTED
    system = {each["name"]: each["version"] for each in first["layers"]["system"]}
    assert system["libc6"].startswith("2.31-")
    seeded = {entry["what"]: entry for entry in first["result"]["seeded"]}
    assert seeded.keys() == {"random", "numpy", "tensorflow"}
    assert seeded["tensorflow"]["op_determinism"] is True


def test_nothing_of_this_machine_is_in_it(classic: Closure) -> None:
    program = (
        "import tensorflow, pandas, sklearn.svm, termcolor\n"
        "paths = {line.split(None, 5)[5].strip() for line in open('/proc/self/maps')"
        " if '/' in line}\n"
        "print([path for path in paths if '.so' in path and not path.startswith('/nix/store/')])"
    )
    done = classic.python(program, options=("--no-record",))
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_it_verifies(classic: Closure, project: Path) -> None:
    argv = [sys.executable, "-m", "nixrepro", "-C", str(project), "verify", "--json"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    for words in (["--only", "lock", "--only", "closure"], ["--rebuild", "termcolor"]):
        done = subprocess.run(
            [*argv, *words], env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(done.stdout)

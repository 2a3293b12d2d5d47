"""Runs of a small real environment, explained by running one again with parts of the other."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nixrepro import lock as locks
from nixrepro.nix import Nix

from .conftest import REPOSITORY, Project, call
from .own_store import smaller
from .session import PYTHON, Own

PROGRAM = """
import random, six
import nixrepro_runtime as nr
text = open(nr.data("table")).read()
nr.log(loss=random.random() + len(six.__version__) + len(text))
"""
# Of a CPU what a program can see of it.
CPU = """
import nixrepro_runtime as nr
from nixrepro_runtime import cpu
nr.log(features=len(cpu.features(cpu.table())))
"""


class Small:
    """A small project in Git, whose runs are explained."""

    def __init__(self, folder: Path) -> None:
        self.own = Own.copied(folder)
        self.root = folder
        self.lock = smaller(locks.load(folder / locks.FILE))
        (folder / "train.py").write_text(PROGRAM)
        (folder / ".gitignore").write_text(".nixrepro/\ndata.csv\n")
        self.git("init", "--quiet")
        self.table("1,2\n")
        self.commit()

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@mirror.example")
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")

    def save(self, *artefacts: locks.Artefact) -> None:
        """A lock with some artefacts in place of those of their names."""
        from nixrepro import config

        names = {(each.layer, each.name) for each in artefacts}
        kept = [each for each in self.lock.artefacts if (each.layer, each.name) not in names]
        question: dict[str, Any] = config.question(config.load(self.root))
        whole = tuple(sorted((*kept, *artefacts), key=locks.order))
        self.lock = replace(self.lock, question=question, artefacts=whole)
        locks.save(self.root / locks.FILE, self.lock)

    def table(self, text: str) -> None:
        """Pin a data file, which Git doesn't have, as `nixrepro lock` would."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        (self.root / "data.csv").write_text(text)
        file = self.root / "pyproject.toml"
        head = file.read_text().partition("\n[tool.nixrepro.data.table]")[0]
        head = head.replace(
            'command = ["python", "train/digits.py"]', 'command = ["python", "train.py"]'
        )
        entry = (
            f'\n[tool.nixrepro.data.table]\npath = "data.csv"\nsha256 = "{digest}"\nstore = true\n'
        )
        file.write_text(head.rstrip("\n") + "\n" + entry)
        self.save(
            locks.Artefact(
                layer="data", name="table", version="", kind="file", role="", file="data.csv",
                size=len(text), sha256=digest, archive="", location="", path="data.csv",
            )
        )  # fmt: skip

    def run(self, on: Sequence[str] = ()) -> str:
        words = [*on, *PYTHON, "train"]
        done = call(words, self.root, self.own.variables(NIXREPRO_PROBE="no"))
        assert done.status == 0, done.err
        return str(self.own.runs()[0]["id"])[:12]

    def explain(self, a: str, b: str) -> dict[str, Any]:
        done = self.own("explain", "--json", a, b)
        assert done.status == 0, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found


@pytest.fixture(scope="module")
def small(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("small") / "project")


@pytest.fixture(scope="module")
def first(small: Small) -> str:
    return small.run()


@pytest.fixture(autouse=True)
def as_it_was(small: Small, first: str) -> Any:
    lock = small.lock
    yield
    small.git("checkout", "--quiet", ".")
    small.lock = lock
    small.table("1,2\n")
    small.commit()


def edited(small: Small, folder: Path) -> locks.Artefact:
    """The wheel of six with another version in its code; it is put into the store."""
    (old,) = (each for each in small.lock.artefacts if each.name == "six")
    nix = Nix()
    source = nix.store_path(locks.store_name(old.file), old.sha256)
    target = folder / locks.store_name(old.file)
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name == "six.py":
                data = data.replace(b'__version__ = "', b'__version__ = "100.')
                code = data
            if name.endswith("/RECORD"):
                digest = urlsafe_b64encode(hashlib.sha256(code).digest()).rstrip(b"=").decode()
                lines = data.decode().splitlines()
                data = "".join(
                    f"six.py,sha256={digest},{len(code)}\n"
                    if line.startswith("six.py,")
                    else f"{line}\n"
                    for line in lines
                ).encode()
            after.writestr(zipfile.ZipInfo(name), data)
    nix.add_fixed([target])
    content = target.read_bytes()
    return replace(old, size=len(content), sha256=hashlib.sha256(content).hexdigest())


def test_a_wheel_of_other_content(small: Small, first: str, tmp_path: Path) -> None:
    small.save(edited(small, tmp_path))
    found = small.explain(first, small.run())
    assert (found["state"], found["cause"]) == ("explained", ["wheels.six"])
    assert not found["harmless"]
    # The lock is no code, though its file lies in the tree.
    assert [each["key"] for each in found["likely"]] == ["wheels.six"]


def test_a_changed_data_file_though_the_old_one_is_gone(small: Small, first: str) -> None:
    small.table("1,2\n3,4\n")
    found = small.explain(first, small.run())
    assert (found["cause"], found["harmless"]) == (["data.table"], [])


def test_changed_data_by_reference_that_was_committed(small: Small, first: str) -> None:
    def pinned(rows: str) -> str:
        (small.root / "rows.csv").write_text(rows)
        words = ("data", "add", "rows", "rows.csv", "--update")
        done = small.own(*words)
        assert done.status == 0, done.err
        small.commit()
        return small.run()

    program = small.root / "train.py"
    text = program.read_text()
    program.write_text(f"{text}nr.log(rows=int(open(nr.data('rows')).read().replace(',', '')))\n")
    one, two = pinned("5,6\n"), pinned("5,7\n")
    found = small.explain(one, two)
    # That the file is a part of the code too changes nothing: the program asked for the data.
    assert (found["cause"], found["harmless"]) == (["data.rows"], ["code"])
    (small.root / "rows.csv").unlink()
    again = small.explain(one, two)
    assert again["cause"] == found["cause"]
    assert not any(each["seconds"] for each in again["trials"])
    program.write_text(text)
    small.commit()


def test_a_cpu_is_tried_though_the_runs_locks_have_no_gcc(small: Small, first: str) -> None:
    (small.root / "train.py").write_text(CPU)
    one = small.run()
    vcpu = f"{Nix().build(REPOSITORY, 'vcpu')}/bin/vcpu"
    two = small.run(on=[vcpu, "--cpu", "x86-64-v2", "--"])
    done = small.own("explain", one, two)
    # Nothing that could make a virtual CPU is locked: that is said, with what to do.
    assert done.status == 1, done.err
    words = " ".join(done.out.split())
    assert "Can't be tested here: the CPU" in words and "add gcc to packages" in words
    # Now the project has it, and the runs' own locks stay as they are.
    shutil.copy(REPOSITORY / locks.FILE, small.root / locks.FILE)
    found = small.explain(one, two)
    assert (found["state"], found["cause"]) == ("explained", ["hardware.cpu"])
    assert all(each["outcome"] in "AB" for each in found["trials"])
    trial = small.root / found["trials"][-1]["folder"] / "record.json"
    layers = json.loads(trial.read_text())["layers"]
    assert "gcc" not in {each["name"] for each in layers["system"]}


def test_what_nix_has_collected_is_fetched_before_packages_are_mixed(
    small: Small, first: str, tmp_path: Path
) -> None:
    new = edited(small, tmp_path)
    small.save(new)
    second = small.run()
    nix = Nix()
    path = nix.store_path(locks.store_name(new.file), new.sha256)
    kept = tmp_path / "kept" / new.file
    kept.parent.mkdir()
    shutil.copy(path, kept)
    assert nix.delete(path)
    # Where it can't be had, the trials that are known or need it not are made all the same.
    done = small.own("explain", "--no-run", first, second)
    assert "known by the locks alone (six)" in " ".join(done.out.split())
    done = small.own("explain", first, second, PIP_FIND_LINKS=str(kept.parent))
    assert "nixrepro: fetching 1 file that the store has no more" in done.err


def test_a_dirty_tree_beside_a_wheel_that_changes_nothing(
    small: Small, first: str, tmp_path: Path
) -> None:
    small.save(edited(small, tmp_path))
    (small.root / "train.py").write_text(PROGRAM.replace("len(six.__version__)", "1"))
    one = small.run()
    (small.root / "train.py").write_text(PROGRAM.replace("len(six.__version__)", "0"))
    small.git("checkout", "--quiet", locks.FILE)
    two = small.run()
    found = small.explain(one, two)
    assert (found["cause"], found["harmless"]) == (["code"], ["wheels.six"])
    assert [each["taken"] for each in found["trials"][2:4]] == [["code"], ["wheels.six"]]


def test_a_seed_and_a_variable(small: Small, first: str) -> None:
    file = small.root / "pyproject.toml"
    text = file.read_text().replace("seed = 42", "seed = 43")
    file.write_text(text.replace('TF_CPP_MIN_LOG_LEVEL = "3"', 'TF_CPP_MIN_LOG_LEVEL = "2"'))
    second = small.run()
    done = small.own("explain", first, second)
    assert done.status == 0, done.err
    words = " ".join(done.out.split())
    assert "because of the seed (42 -> 43): A with the seed of B gives B's numbers" in words
    assert "TF_CPP_MIN_LOG_LEVEL (3 -> 2) also differs and changes nothing here" in words
    assert "trial 3 of at most 6: A with the seed of B" in done.err
    # Nothing of it is left to be confused with the project's own.
    assert {path.name for path in (small.root / ".nixrepro" / "repeats").iterdir()} == {"lock"}
    assert len(small.own.records()) == len(small.own.runs())
    roots = {path.name for path in (small.root / ".nixrepro" / "roots").iterdir()}
    assert small.own("gc").status == 0
    assert {path.name for path in (small.root / ".nixrepro" / "roots").iterdir()} == roots


def test_without_a_run_it_is_only_likely(small: Small, first: str) -> None:
    small.table("1\n")
    second = small.run()
    count = len(list((small.root / ".nixrepro" / "trials").glob("*")))
    done = small.own("explain", "--no-run", first, second)
    assert done.status == 1
    assert "1. the data file table" in done.out
    assert len(list((small.root / ".nixrepro" / "trials").glob("*"))) == count

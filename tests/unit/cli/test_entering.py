"""run, train and shell enter a project one way; what is wrong is said before Nix is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nixrepro import become, fetch
from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.cli import verbs
from nixrepro.errors import BuildError, ConfigError, LockError, NixError
from nixrepro.lock import Lock
from nixrepro.nix import Nix
from nixrepro.process import run
from nixrepro.realise import realise

from ..store import Store, make_project

PYPROJECT = (
    '[project]\ndependencies = ["numpy"]\n[tool.nixrepro.train]\ncommand = ["python", "t.py"]\n'
)
# Each of these takes a warm start some milliseconds, or is of no use in one.
NEEDLESS = {f"nixrepro.{name}" for name in ("config", "fetch", "lock", "locking", "nix", "record")}
NEEDLESS |= {"asyncio", "debian", "hashlib", "httpx", "packaging", "pysequoia", "rich", "socket"}
NEEDLESS |= {"ssl", "subprocess"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_project(tmp_path / "project")
    (root / "pyproject.toml").write_text(PYPROJECT)
    lock = Lock("3.11.2", "2.36", configs.question(configs.load(root)), ())
    locks.save(root / locks.FILE, lock)
    return root


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Its Nix is the one that the verbs find; there is nothing to fetch."""
    found = Store(tmp_path / "store")
    monkeypatch.setattr("nixrepro.nix.Nix", lambda: Nix(found))
    monkeypatch.setattr(fetch, "bring", lambda *_, **__: None)
    return found


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that this process was to become."""
    found: list[list[str]] = []

    def replace(argv: list[str], env: dict[str, str]) -> None:
        found.append(argv)

    monkeypatch.setattr(become, "replace", replace)
    monkeypatch.setattr("nixrepro.run.replace", replace)
    monkeypatch.setattr("nixrepro.shell.replace", replace)
    return found


def invoke(root: Path, *words: str) -> Result:
    return CliRunner().invoke(verbs, ["-C", str(root), *words], standalone_mode=False)


def words(argv: list[str]) -> list[str]:
    return argv[argv.index("--") + 1 :]


@pytest.mark.parametrize(
    ("said", "expected", "recorded"),
    [
        (("run", "--", "python", "-c", "x", "--", "-y"), ["python", "-c", "x", "--", "-y"], True),
        (("run", "make", "--no-record", "-j2"), ["make", "--no-record", "-j2"], True),
        (("run", "--no-record", "--", "true"), ["true"], False),
        (("train",), ["python", "t.py"], True),
        (("train", "--data", "a", "--", "-v"), ["python", "t.py", "--data", "a", "--", "-v"], True),
        (("train", "--no-record", "--epochs=3"), ["python", "t.py", "--epochs=3"], False),
    ],
)  # fmt: skip
def test_words_reach_the_program_as_they_are(
    root: Path,
    store: Store,
    became: list[list[str]],
    said: tuple[str, ...],
    expected: list[str],
    recorded: bool,
) -> None:
    done = invoke(root, *said)
    assert done.exception is None
    (argv,) = became
    assert words(argv) == expected
    assert ("--no-record" not in argv[: argv.index("--")]) == recorded
    assert argv[argv.index("--project") + 1] == str(root)
    assert store.built == 1


@pytest.mark.parametrize("said", [("run", "--fingerprint", "steps:9", "x"), ("train",)])
def test_a_fingerprint_of_steps_only_where_asked(
    root: Path, store: Store, became: list[list[str]], said: tuple[str, ...]
) -> None:
    invoke(root, *said)
    invoke(root, "train", "--fingerprint=steps:9", "--epochs=3")
    assert ("--fingerprint" in became[0]) == ("--fingerprint" in said)
    assert became[1][became[1].index("--fingerprint") + 1] == "steps:9"
    assert words(became[1]) == ["python", "t.py", "--epochs=3"]


def test_a_changed_requirements_file_asks_for_a_new_lock(
    root: Path, store: Store, became: list[list[str]]
) -> None:
    (root / "pyproject.toml").write_text("[tool.nixrepro]\n")
    (root / "requirements.txt").write_text("numpy\n")
    lock = Lock("3.11.2", "2.36", configs.question(configs.load(root)), ())
    locks.save(root / locks.FILE, lock)
    assert invoke(root, "run", "true").exception is None
    (root / "requirements.txt").write_text("numpy\n# why\n")
    assert invoke(root, "run", "true").exception is None
    assert len(became) == store.built == 2
    (root / "requirements.txt").write_text("numpy>=2\n")
    done = invoke(root, "run", "true")
    assert isinstance(done.exception, LockError)
    assert "does not answer pyproject.toml with requirements.txt" in done.exception.message
    (root / "requirements.txt").write_text("numpy\n")
    assert invoke(root, "run", "true").exception is None


def test_a_folder_inside_belongs_to_the_project(
    root: Path, store: Store, became: list[list[str]]
) -> None:
    invoke(root / "nix" / "build", "run", "true")
    assert became[0][became[0].index("--project") + 1] == str(root)


def test_shell(root: Path, store: Store, became: list[list[str]]) -> None:
    done = invoke(root, "shell")
    assert str(store.path("environment")) in done.stderr
    assert became[0][0] == f"{store.path('system')}/bin/bash"


@pytest.mark.parametrize("verb", [("run", "true"), ("train",), ("shell",)])
def test_the_second_time_nothing_is_built(
    root: Path, store: Store, became: list[list[str]], verb: tuple[str, ...]
) -> None:
    invoke(root, *verb)
    (root / locks.FILE).with_suffix(".old").touch()  # is no file of the flake
    done = invoke(root, *verb)
    assert store.built == 1
    assert "realising" not in done.stderr
    assert became[0][0] == became[1][0]


def refused(root: Path, store: Store) -> Any:
    done = invoke(root, "run", "true")
    assert store.built == 0
    assert done.exception is not None
    return done.exception


def test_no_lock(root: Path, store: Store) -> None:
    (root / locks.FILE).unlink()
    error = refused(root, store)
    assert isinstance(error, LockError)
    assert "run `nixrepro lock`" in error.hint


def test_a_lock_that_does_not_answer_any_more(root: Path, store: Store) -> None:
    (root / "pyproject.toml").write_text(PYPROJECT.replace("numpy", "scipy"))
    error = refused(root, store)
    assert isinstance(error, LockError)
    assert "does not answer pyproject.toml" in error.message
    assert "run `nixrepro lock`" in error.hint
    assert "lock --check" in error.hint


@pytest.mark.parametrize(("name", "kind"), [("flake.nix", ConfigError), ("flake.lock", LockError)])
def test_no_flake(root: Path, store: Store, name: str, kind: type[Exception]) -> None:
    (root / name).unlink()
    assert isinstance(refused(root, store), kind)


def test_no_nix(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    monkeypatch.setattr("nixrepro.nix.Nix", Nix)
    monkeypatch.setattr("nixrepro.nix._ELSEWHERE", "/nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(root, store)
    assert isinstance(error, NixError)
    assert "apt-get install nix-bin" in error.hint


def test_a_build_that_fails_leaves_nothing_to_believe(
    root: Path, store: Store, became: list[list[str]]
) -> None:
    store.stderr = "error: builder failed"
    assert isinstance(refused(root, store), BuildError)
    assert became == []
    store.stderr = ""
    invoke(root, "run", "true")
    assert len(became) == 1


def test_files_that_git_does_not_know_are_made_known(
    root: Path, store: Store, became: list[list[str]]
) -> None:
    run(["git", "init", "-q", str(root)])
    (root / ".gitignore").write_text("nix\n*.pyc\n")
    cache = root / "nix" / "__pycache__" / "x.pyc"
    cache.parent.mkdir()
    cache.touch()
    run(["git", "add", "pyproject.toml", ".gitignore"], cwd=root)
    done = invoke(root, "run", "true")
    assert done.exception is None
    said = next(line for line in done.stderr.splitlines() if line.startswith("git: "))
    assert said.startswith("git: knows code, flake.lock, flake.nix, nix, nixrepro.lock now")
    known = run(["git", "ls-files"], cwd=root).stdout.decode().split()
    assert set(known) == {
        ".gitignore",
        "code/runtime/boot.py",
        "flake.lock",
        "flake.nix",
        "nix/build/cc.py",
        "nix/default.nix",
        "nixrepro.lock",
        "pyproject.toml",
    }
    (root / "nix" / "default.nix").write_text("{ } # again")
    assert "git:" not in invoke(root, "run", "true").stderr
    assert len(became) == 2


def test_a_warm_start_loads_little(root: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    realise(root, store.nix, lambda: None, lambda: None)
    python = store.path("environment") / "bin" / "python"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    assert not loaded(tmp_path, "-C", str(root), "run", "true") & NEEDLESS
    # With no option of ours not even click.
    plain = loaded(root, "run", "true", "--json")
    assert not plain & (NEEDLESS | {"click", "dataclasses", "json", "nixrepro.cli", "pathlib"})


def loaded(folder: Path, *words: str) -> set[str]:
    """The modules that a warm start imports, as it becomes what exits with 7."""
    # As a script of an installation does: `-m` would import more.
    begin = "from nixrepro.entry import main; main()"
    argv = [sys.executable, "-X", "importtime", "-c", begin, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 7
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    names = {line.rpartition("|")[2].strip() for line in lines}
    assert "nixrepro.run" in names
    return names


def test_what_gc_says_is_json(root: Path, store: Store, became: list[list[str]]) -> None:
    invoke(root, "run", "true")
    (kept,) = json.loads(invoke(root, "gc", "--json").stdout)["kept"]
    assert kept["current"]
    assert kept["environment"] == str(store.path("environment"))

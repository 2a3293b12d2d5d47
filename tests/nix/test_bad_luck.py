"""Bad input and bad luck around a real Nix: one clear error, its exit code, and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro import lock as locks

from .conftest import Project
from .session import PYTHON, TRUE, Own, Terminal, one_error, unshared, wait_for

READ_ONLY = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"; cd "$1"; shift; "$@"'


@pytest.fixture
def fresh(project: Project, tmp_path: Path) -> Own:
    """A project that was never realised; what its closure consists of is in the store."""
    return Own.copied(tmp_path / "project")


@pytest.fixture
def realised(fresh: Own) -> Own:
    """The same, realised."""
    done = fresh(*TRUE)
    assert done.status == 0, done.err
    return fresh


# --- what a project lacks


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nixrepro.lock", "run `nixrepro lock`"),
        ("flake.lock", "run `nixrepro lock`"),
        ("flake.nix", "`nixrepro init --update`"),
        ("nix", "`nixrepro init --update`"),
    ],
)
def test_a_part_of_the_project_is_missing(fresh: Own, name: str, hint: str) -> None:
    (fresh.root / name).rename(fresh.root / "away")
    done = fresh(*TRUE)
    assert done.status == 2
    assert one_error(done.err) == f"there is no {fresh.root / name}"
    assert hint in done.err


def test_the_lock_does_not_answer_the_configuration(realised: Own) -> None:
    file = realised.root / "pyproject.toml"
    file.write_text(file.read_text().replace('suite = "bookworm"', 'suite = "trixie"'))
    done = realised(*TRUE)
    assert done.status == 2
    assert "does not answer pyproject.toml" in one_error(done.err)
    assert "run `nixrepro lock`" in done.err


def test_a_flake_that_nix_can_not_read(realised: Own) -> None:
    (realised.root / "flake.nix").write_text("{ outputs = inputs: {")
    done = realised(*TRUE)
    assert done.status == 4
    assert "syntax error" in done.err
    assert "Traceback" not in done.err


def test_a_flake_of_another_kind(realised: Own) -> None:
    (realised.root / "flake.nix").write_text("{ outputs = inputs: { }; }")
    done = realised(*TRUE)
    assert done.status == 4
    assert "does not provide attribute" in done.err


@pytest.mark.parametrize(
    ("text", "said"), [("", "is empty"), ("[[", "not valid TOML"), ("version = 2\n", "version")]
)
def test_a_lock_that_is_none(fresh: Own, text: str, said: str) -> None:
    path = fresh.root / "nixrepro.lock"
    path.write_text(text)
    done = fresh(*TRUE)
    assert done.status == 2
    assert said in one_error(done.err)
    assert "hint: " in done.err
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo 'nix (Nix) 2.3.16'", "2.3.16 is too old"), ("exit 127", "names no version")],
)
def test_a_nix_that_is_too_old_or_broken(
    fresh: Own, tmp_path: Path, script: str, said: str
) -> None:
    program = tmp_path / "bin" / "nix"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    done = fresh(*TRUE, PATH=f"{program.parent}:{os.environ['PATH']}")
    assert done.status == 3
    assert said in one_error(done.err)
    assert "hint: " in done.err


# --- folders and disks


@pytest.mark.parametrize("verb", [("lock",), ("run", "--", "true"), ("shell",)])
def test_a_read_only_project(fresh: Own, verb: tuple[str, ...]) -> None:
    done = unshared("mount", READ_ONLY, fresh.root, *PYTHON, *verb, env=fresh.variables())
    assert done.status == 2
    assert one_error(done.err).endswith(".nixrepro: Read-only file system")
    assert "hint: that file system is read-only" in done.err


def test_a_read_only_project_that_was_realised_runs_unrecorded(realised: Own) -> None:
    def there(*words: str) -> tuple[int, str, str]:
        done = unshared("mount", READ_ONLY, realised.root, *PYTHON, *words, env=variables)
        assert "Traceback" not in done.err
        return done.status, done.out, done.err

    variables = realised.variables()
    status, _, err = there("run", "--", "true")
    assert status == 5
    assert "can't be recorded" in err and "Read-only file system" in err
    assert "--no-record" in err
    assert there("run", "--no-record", "--", "echo", "x")[:2] == (0, "x\n")
    assert there("shell")[0] == 0
    assert there("lock", "--check")[0] == there("gc")[0] == there("runs")[0] == 0


FULL = """
disk=$1; shift
mount -t tmpfs -o size=8m none "$disk"
cp -a ./. "$disk"; mount --bind "$disk" .; cd "$PWD"
head -c 9000000 /dev/zero > fill 2>&1 || true
"$@" || echo "status $?"
rm fill
"$@" > again 2>&1 || cat again
echo "status $?"
"""


def test_a_full_disk_while_realising(fresh: Own, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'cd "{fresh.root}"; {FULL}'
    done = unshared("mount", script, disk, *PYTHON, *TRUE, env=fresh.variables())
    assert "status 2\nstatus 0\n" in done.out
    assert re.search(r"/\.nixrepro/.+: No space left on device$", one_error(done.err))
    assert "hint: make room" in done.err


def test_a_full_disk_while_recording(realised: Own, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # Its times and its place are kept, so that it stays realised.
    script = f'cd "{realised.root}"; {FULL}'
    argv = [*PYTHON, "run", "--", "echo", "ran"]
    done = unshared("mount", script, disk, *argv, env=realised.variables())
    assert done.out.replace("ran\n", "") == "status 5\nstatus 0\n"
    assert "can't be recorded" in done.err and "No space left on device" in done.err
    assert "Nothing was started" in done.err
    assert "Traceback" not in done.err


RELOCK = """
import sys
from dataclasses import replace
from pathlib import Path
from nixrepro import config, lock, locking
from nixrepro.cli.boundary import guard
root = Path.cwd()
new = replace(lock.load(root / lock.FILE), glibc="2.99")
sys.exit(guard(lambda: locking.update(config.load(root), upgrade=None, as_of=None, waiting=print,
                                      resolver=lambda *_, **__: new) and None))
"""


def test_a_full_disk_while_locking_leaves_the_old_lock(fresh: Own, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    compare = 'cmp nixrepro.lock "$OLDPWD/nixrepro.lock"; ls -A | grep part || rm fill'
    full = FULL.replace("rm fill", compare)
    script = f"cd '{fresh.root}'; {full}grep -c '^glibc = .2.99.' nixrepro.lock"
    argv = [sys.executable, "-c", RELOCK]
    done = unshared("mount", script, disk, *argv, env=fresh.variables())
    assert done.out == "status 2\nstatus 0\n1\n", done.err
    assert one_error(done.err).endswith("nixrepro.lock: No space left on device")


# --- two at a time, and kill -9


def test_two_that_realise_at_a_time(fresh: Own) -> None:
    both = [fresh.start(*TRUE) for _ in range(2)]
    said = [process.communicate()[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("realising the environment" in text for text in said) == 1


def test_two_that_run_at_a_time(realised: Own) -> None:
    both = [realised.start("run", "--", "echo", name) for name in ("a", "b")]
    assert sorted(process.communicate()[0] for process in both) == [b"a\n", b"b\n"]
    assert sorted(run["command"][1] for run in realised.runs()) == ["a", "b"]
    assert {run["status"] for run in realised.runs()} == {"done"}


@pytest.mark.parametrize("nix_too", [True, False])
def test_killed_while_realising(fresh: Own, nix_too: bool) -> None:
    process = fresh.start(*TRUE, start_new_session=True)
    assert process.stderr is not None
    for line in process.stderr:
        if b"realising the environment" in line:
            break
    if nix_too:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (fresh.root / ".nixrepro" / "environment").exists()
    done = fresh(*TRUE)
    assert done.status == 0, done.err
    assert "waiting" not in done.err


def test_control_c_while_realising(fresh: Own) -> None:
    terminal = Terminal([*PYTHON, *TRUE], fresh.root, fresh.variables())
    terminal.wait("realising the environment")
    terminal.press("\x03")
    assert terminal.end() == 128 + signal.SIGINT
    assert "Traceback" not in terminal.shown
    assert fresh(*TRUE).status == 0


def test_killed_while_running(realised: Own) -> None:
    process = realised.start("run", "--", "sh", "-c", "echo $$; exec sleep 1000")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert realised.runs()[0]["status"] == "running"
    process.kill()
    process.communicate()
    # Nobody could record it any more: it ends too.
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    (run,) = realised.runs()
    assert run["status"] == "interrupted"
    assert "interrupted" in realised("show", "last").out
    assert realised("run", "--", "true").status == 0
    assert [run["status"] for run in realised.runs()] == ["done", "interrupted"]


# --- no network


def test_no_network_for_a_lock(fresh: Own, tmp_path: Path) -> None:
    (fresh.root / "nixrepro.lock").unlink()
    variables = fresh.variables(XDG_CACHE_HOME=str(tmp_path / "cache"))
    done = unshared("net", 'cd "$1"; shift; "$@"', fresh.root, *PYTHON, "lock", env=variables)
    assert done.status == 6
    one_error(done.err)
    assert "hint: " in done.err
    assert not (fresh.root / "nixrepro.lock").exists()


def lacking_six(project: Own) -> None:
    path = project.root / "nixrepro.lock"
    lock = locks.load(path)
    artefacts = [
        replace(each, sha256="1" * 64) if each.name == "six" else each for each in lock.artefacts
    ]
    locks.save(path, replace(lock, artefacts=tuple(artefacts)))


@pytest.mark.parametrize("verb", [("fetch",), TRUE])
def test_no_network_for_a_file(fresh: Own, tmp_path: Path, verb: tuple[str, ...]) -> None:
    lacking_six(fresh)
    variables = fresh.variables(XDG_CACHE_HOME=str(tmp_path / "cache"))
    done = unshared("net", 'cd "$1"; shift; "$@"', fresh.root, *PYTHON, *verb, env=variables)
    assert done.status == 6
    assert re.search(r"six-[\d.]+-\S+\.whl", one_error(done.err))
    assert "hint: " in done.err


def test_what_is_missing_is_listed_without_a_network(fresh: Own) -> None:
    lacking_six(fresh)
    done = fresh("fetch", "--offline")
    assert done.status == 6
    assert [line.split()[:2] for line in done.out.splitlines()[1:]] == [["wheels", "six"]]


def test_no_network_for_a_project_that_is_there(fresh: Own) -> None:
    argv = [*PYTHON, "run", "--no-record", "--", "python", "-c", "import numpy"]
    done = unshared("net", 'cd "$1"; shift; "$@"', fresh.root, *argv, env=fresh.variables())
    assert done.status == 0, done.err

"""A pinned strace: built when it is asked for, on the environment's own system, beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Project, call, checked

STORE = "/nix/store/"


@pytest.fixture(scope="module")
def observer(project: Project) -> Path:
    return project.build("observer")


def opened(trace: Path) -> list[str]:
    """What a traced program opened or started, of all that was there."""
    pattern = r'(?:open\w*|execve)\([^"]*"(/[^"]*)"[^=]*= (?!-1)'
    return re.findall(pattern, trace.read_text(errors="replace"))


def test_it_reads_nothing_of_the_host(observer: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    watched = [
        observer / "bin/strace",
        "-f",
        "-qq",
        "-e",
        "trace=open,openat,openat2,execve",
        "-o",
        trace,
    ]
    done = call([*watched, observer / "bin/strace", "-V"])
    assert done.out.startswith("strace -- version "), done.err
    found = opened(trace)
    assert [path for path in found if not path.startswith((STORE, "/proc/", "/dev/"))] == []
    assert any("/libunwind-ptrace.so" in path for path in found)
    assert any("nixrepro-system-debian/" in path and "/libc.so.6" in path for path in found)


def test_it_traces_a_program(observer: Path, system: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = call([observer / "bin/strace", "-f", "-o", trace, system / "bin/true"])
    assert done.status == 0, done.err
    assert f'execve("{system}/bin/true"' in trace.read_text()
    assert "+++ exited with 0 +++" in trace.read_text()


def test_a_second_build_gives_the_same_bytes(observer: Path) -> None:
    drv = checked(["nix-store", "--query", "--deriver", observer])
    done = call(["nix-store", "--realise", "--check", drv])
    assert done.status == 0, done.err


def test_the_environment_does_not_know_it(observer: Path, environment: Path) -> None:
    closure = checked(["nix-store", "--query", "--requisites", environment])
    assert "nixrepro-system-debian" in closure
    assert not re.search(r"strace|nixrepro-observer|libunwind", closure)


def without(role: str, text: str) -> str:
    head, *blocks = text.split("\n[[artefact]]\n")
    kept = [block for block in blocks if f'role = "{role}"' not in block]
    assert len(kept) < len(blocks)
    return "\n[[artefact]]\n".join([head, *kept])


def test_an_older_lock_goes_on_without_it(tmp_path: Path) -> None:
    new = (REPOSITORY / "nixrepro.lock").read_text()
    old = tmp_path / "old.lock"
    old.write_text(without("observer", new))
    found = {}
    for lock in (REPOSITORY / "nixrepro.lock", old):
        text = f"""
          let
            store = import {REPOSITORY}/nix/store.nix {{ system = "x86_64-linux"; }};
            lock = import {REPOSITORY}/nix/lock.nix {lock};
            base = import {REPOSITORY}/nix/debian.nix {{ inherit store lock; }};
          in {{
            inherit (base) system;
            observer = import {REPOSITORY}/nix/observer.nix {{ inherit store lock base; }};
          }}
        """
        found[lock] = checked(["nix-instantiate", "--eval", "-E", f"({text}).system.outPath"])
    assert len(set(found.values())) == 1
    done = call(["nix-build", "--no-out-link", "-E", f"({text}).observer"])
    assert done.status != 0
    assert "nixrepro.lock holds no observer: run `nixrepro lock`" in done.err

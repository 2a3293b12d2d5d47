"""`nixrepro diff`: exit codes, text and JSON."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from nixrepro import lock as locks
from nixrepro.lock import Artefact, Lock


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "a"\nversion = "0"\n[tool.nixrepro]\n'
    )
    for name, version in (("one.lock", "2.36"), ("two.lock", "2.37"), ("a-long-name.lock", "2.37")):
        file = f"libc6_{version}_amd64.deb"
        artefact = Artefact(
            "system", "libc6", version, "deb", "", file, 1, "a" * 64, "debian", f"pool/{file}"
        )
        locks.save(tmp_path / name, Lock("3.11.2", "2.36", {}, (artefact,)))
    return tmp_path


def diff(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nixrepro", "diff", *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def test_exit_codes(project: Path) -> None:
    assert diff(project, "one.lock", "one.lock").returncode == 0
    assert diff(project, "one.lock", "two.lock").returncode == 1
    done = diff(project, "one.lock", "three.lock")
    assert done.returncode == 2
    assert done.stderr.startswith("error: nothing is called 'three.lock' here")
    assert done.stdout == ""


def test_text_goes_to_standard_output(project: Path) -> None:
    done = diff(project, "one.lock", "two.lock")
    assert done.stdout.splitlines()[:6] == [
        "a  one.lock",
        "b  two.lock",
        "differ in system",
        "",
        "system",
        "  libc6  2.36 -> 2.37",
    ]
    assert done.stderr == ""


def test_json(project: Path) -> None:
    done = diff(project, "--json", "one.lock", "two.lock")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["layers"]["system"]["changes"] == [
        {"subject": "libc6", "kind": "changed", "a": "2.36", "b": "2.37"}
    ]


def test_a_narrow_terminal_is_not_overrun(project: Path) -> None:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    argv = [sys.executable, "-m", "nixrepro", "diff", "one.lock", "a-long-name.lock"]
    subprocess.run(argv, cwd=project, env=kept, stdout=terminal, check=False)
    os.close(terminal)
    lines = os.read(master, 1 << 16).decode().splitlines()
    os.close(master)
    assert lines == [
        "a  one.lock",
        "b  a-long-name.lock",
        "differ in system",
        "",
        "system",
        "  libc6  2.36 -> ...",
        "",
        "not compared",
        "  hardware, code,...",
        "  system.shared o...",
    ]

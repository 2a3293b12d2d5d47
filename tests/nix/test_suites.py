"""Other bases: older and newer Debians, and one package of another suite."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nixrepro import lock as locks

from .conftest import Project, call, checked
from .observing import outside, pinned

PROJECT = """\
[project]
name = "other"
version = "0"
dependencies = ["markupsafe", "six"]

[tool.nixrepro]
record-urls = false

[tool.nixrepro.base]
suite = "{suite}"
"""
OVERRIDE = '\n[tool.nixrepro.overrides]\nlibc6 = "trixie"\n'

# What asks most of a system: its libraries, time zones, certificates and terminals.
PROGRAM = """
import bz2, ctypes.util, curses, lzma, os, platform, readline, sqlite3, ssl, sys, zoneinfo
import markupsafe._speedups, six
assert ssl.create_default_context().get_ca_certs()
assert zoneinfo.ZoneInfo("Europe/Paris").key
assert ctypes.util.find_library("z") == "libz.so.1"
curses.setupterm("xterm-256color", 2)
assert os.path.realpath(six.__file__).startswith("/nix/store/")
paths = {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if "/" in line}
assert [path for path in paths if not path.startswith("/nix/store/")] == []
print("%d.%d" % sys.version_info[:2], platform.libc_ver()[1])
"""


def locked(root: Path, text: str) -> Project:
    """A project with the library in it and the lock that answers this configuration."""
    project = Project(root)
    root.mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text(text)
    for words in (["init", "--update"], ["lock"]):
        done = project.nixrepro(*words)
        assert done.status == 0, done.err
    return project


@pytest.mark.parametrize(("suite", "versions"), [("bullseye", "3.9 2.31"), ("trixie", "3.13 2.41")])
def test_an_older_and_a_newer_debian(tmp_path: Path, suite: str, versions: str) -> None:
    project = locked(tmp_path / "project", PROJECT.format(suite=suite))
    done = project.nixrepro("run", "--no-record", "--", "python", "-c", PROGRAM)
    assert (done.out.strip(), done.status) == (versions, 0), done.err
    lock = locks.load(project.root / "nixrepro.lock")
    assert f"{lock.python.rpartition('.')[0]} {lock.glibc}" == versions

    strace = project.build("observer") / "bin/strace"
    watching = checked([strace, "-f", "-o", tmp_path / "watched", strace, "-V"])
    assert watching.startswith("strace -- version ")
    opened = re.findall(r'openat\([^"]*"(/[^"]*)".*= (?!-1)', (tmp_path / "watched").read_text())
    assert [path for path in opened if not path.startswith(("/nix/store/", "/proc/"))] == []

    path = project.build("facts")
    facts = json.loads(path.read_text())
    variables = [f"{name}={value}" for name, value in facts["variables"].items()]
    python = f"{facts['environment']}/bin/python"
    argv = [f"{facts['system']}/bin/env", "-i", *variables, f"TMPDIR={tmp_path}", python]
    assert outside([*argv, "-c", PROGRAM], pinned(project), path, tmp_path) == []
    done = call(["nix", "store", "verify", "--no-trust", "--recursive", facts["environment"]])
    assert done.status == 0, done.err


def test_another_c_library_under_the_same_wheels(tmp_path: Path) -> None:
    def realised(override: str) -> tuple[str, dict[str, str]]:
        project = locked(tmp_path / "project", PROJECT.format(suite="bookworm") + override)
        done = project.nixrepro("run", "--no-record", "--", "python", "-c", PROGRAM)
        assert done.status == 0, done.err
        layers = json.loads(project.build("facts").read_text())["layers"]
        paths = {item["name"]: item["path"] for item in layers["system"] + layers["wheels"]}
        return done.out.strip(), paths

    before, old = realised("")
    after, new = realised(OVERRIDE)
    assert (before, after) == ("3.11 2.36", "3.11 2.41")
    assert old["libc6"] != new["libc6"]
    same = ("markupsafe", "six", "python3.11", "libstdc++6")
    assert [old[name] for name in same] == [new[name] for name in same]

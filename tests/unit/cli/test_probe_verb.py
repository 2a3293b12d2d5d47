"""`nixrepro probe` on files and records: exit codes, text, JSON, and what is no probe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ONE = {"digest": "a" * 64, "functions": {"libm.erf": {"digest": "092bb27f322a", "ulp": 0.74}}}
TWO = {"digest": "b" * 64, "functions": {"libm.erf": {"digest": "1a439a6aed70", "ulp": 0.5}}}
NONE = {"unknown": "it took more than 300 s"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "a"\nversion = "0"\n[tool.nixrepro]\n'
    )
    for name, value in (("one", ONE), ("two", TWO), ("none", NONE)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    (tmp_path / "record.json").write_text(json.dumps({"layers": {}, "probe": ONE}))
    return tmp_path


def probe(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nixrepro", "probe", *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_that_differ(project: Path) -> None:
    done = probe(project, "one.json", "two.json")
    assert done.returncode == 1
    assert "libm.erf  092bb27f322a   0.74  1a439a6aed70   0.50\n" in done.stdout
    assert done.stderr == ""
    said: dict[str, Any] = json.loads(probe(project, "one.json", "two.json", "--json").stdout)
    (function,) = said["functions"]
    assert function["name"] == "libm.erf"
    assert (function["a"], function["b"]) == (
        ONE["functions"]["libm.erf"], TWO["functions"]["libm.erf"],
    )  # fmt: skip
    assert said["same"] is False and said["unknown"] == {}


def test_two_that_agree(project: Path) -> None:
    done = probe(project, "one.json", "record.json")
    assert done.returncode == 0
    assert done.stdout.endswith("all 1 functions give the same bytes\n")


def test_what_is_unknown_is_not_the_same(project: Path) -> None:
    done = probe(project, "one.json", "none.json")
    assert done.returncode == 1
    assert done.stdout.endswith("can't be compared: B: it took more than 300 s\n")
    said = json.loads(probe(project, "none.json", "none.json", "--json").stdout)
    assert said["same"] is False
    assert set(said["unknown"]) == {"a", "b"}


def test_one_alone_is_shown(project: Path) -> None:
    done = probe(project, "one.json")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1] == "probe aaaaaaaaaaaa, 1 functions"
    assert json.loads(probe(project, "record.json", "--json").stdout) == ONE


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"functions": {}}', '{"digest": "1", "functions": []}',
        '{"digest": "1", "functions": {"libm.sin": 3}}',
        '{"digest": "1", "functions": {"libm.sin": {"digest": "1", "ulp": "much"}}}', "\udcff",
    ],
)  # fmt: skip
def test_what_is_no_probe_is_said_in_a_sentence(project: Path, text: str) -> None:
    (project / "other.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = probe(project, "one.json", "other.json")
    assert done.returncode == 2
    assert done.stderr.startswith("error: other.json ")
    assert "Traceback" not in done.stderr


def test_nothing_known_on_both_sides_is_not_the_same(project: Path) -> None:
    only = {"digest": "c", "functions": {"tensorflow": {"unknown": "why"}}}
    (project / "only.json").write_text(json.dumps(only))
    done = probe(project, "only.json", "only.json")
    assert done.returncode == 1
    assert "not compared: tensorflow" in done.stdout
    said = json.loads(probe(project, "only.json", "only.json", "--json").stdout)
    assert (said["same"], said["not-compared"]) == (False, {"tensorflow": "why"})


def test_files_need_no_project(project: Path) -> None:
    (project / "pyproject.toml").unlink()
    assert probe(project, "one.json", "two.json").returncode == 1
    assert probe(project, "one.json").returncode == 0


def test_what_can_not_be_a_probe_is_explained(project: Path) -> None:
    assert "standard input" in probe(project, "one.json", "-").stderr
    (project / "nixrepro.lock").write_text("version = 1\n")
    done = probe(project, "nixrepro.lock")
    assert (done.returncode, "is a lock" in done.stderr) == (2, True)


def test_what_is_not_there_is_said(project: Path) -> None:
    done = probe(project, "three.json")
    assert done.returncode == 2
    assert "no run and no file 'three.json'" in done.stderr
    assert probe(project, "last").returncode != 0

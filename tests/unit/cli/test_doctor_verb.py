"""`nixrepro doctor` as a person meets it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nixrepro import doctor
from nixrepro.cli import verbs
from nixrepro.doctor.text import lines
from nixrepro.process import run

from ..doctor.machines import GOOD, nix, project

BARE = nix(version=(), problem="Nix is not installed")


def ask(monkeypatch: pytest.MonkeyPatch, facts: doctor.Facts, *words: str) -> Any:
    given: dict[str, Any] = {}

    def gather(folder: Path, environ: Any, **options: Any) -> doctor.Facts:
        given.update(options, folder=folder)
        return facts

    monkeypatch.setattr(doctor, "gather", gather)
    done = CliRunner().invoke(verbs, ["doctor", *words], standalone_mode=False)
    return done, given


def test_text_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    done, given = ask(monkeypatch, BARE)
    assert done.return_value == 3
    assert done.stdout.splitlines() == [text for _, text in lines(doctor.check(BARE), 80)]
    assert "           fix: apt-get install nix-bin\n" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr.startswith("nixrepro: ") and done.stderr.endswith(" 1 missing\n")
    assert given == {"network": False, "folder": Path()}


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    done, given = ask(monkeypatch, project(lock="no lock"), "--json", "--network")
    assert done.return_value == 1 and given["network"] is True
    (lock,) = (c for c in json.loads(done.stdout)["checks"] if c["subject"] == "lock")
    assert (lock["status"], lock["fix"]) == ("missing", "nixrepro lock")


def test_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    done, _ = ask(monkeypatch, GOOD)
    assert done.return_value == 0
    assert "as they should be" in done.stderr


def test_names_of_files_do_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    done, _ = ask(monkeypatch, project(code=("a\x1b[2J",)))
    assert "a\\x1b[2J" in done.stdout


def test_for_real_outside_of_a_project(tmp_path: Path) -> None:
    done = run([sys.executable, "-m", "nixrepro", "doctor"], cwd=tmp_path)
    said = done.stdout.decode()
    assert done.status in (0, 1, 3)
    assert "folder: none here" in said and "tracing: " in said
    assert list(tmp_path.iterdir()) == []

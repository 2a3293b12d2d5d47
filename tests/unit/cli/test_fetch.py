"""`nixrepro fetch` as a person runs it: a real process, a real Nix store of its own."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from nixrepro import process
from nixrepro.config import load, question
from nixrepro.lock import Artefact, Lock, save

BODY = b"wheel " * 1000
PROJECT = """
[project]
name = "project"
requires-python = ">=3.11"
[tool.nixrepro.data.digits]
url = "{url}/digits.npz"
sha256 = "{sha256}"
optional = true
"""


@pytest.fixture
def project(server, tmp_path: Path) -> Path:
    """A project whose lock names one wheel and one optional data file."""
    root = tmp_path / "project"
    root.mkdir()
    digest = hashlib.sha256(BODY).hexdigest()
    text = PROJECT.format(url=server.url, sha256="1" * 64)
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    url = f"{server.url}/a-1-py3-none-any.whl"
    server.files["/a-1-py3-none-any.whl"] = BODY
    wheel = Artefact("wheels", "a", "1", "wheel", "", url[-20:], len(BODY), digest, "", "", url=url)
    data = Artefact(
        *("data", "digits", "", "file", "", "digits.npz", 0, "1" * 64, "", ""),
        url=f"{server.url}/digits.npz",
        optional=True,
    )
    save(root / "nixrepro.lock", Lock("3.11.2", "2.36", question(load(root)), (wheel, data)))
    return root


@pytest.fixture
def run(project: Path, tmp_path: Path):
    def go(*arguments: str) -> process.Completed:
        variables = {
            **os.environ,
            "NIX_REMOTE": f"local?root={tmp_path / 'store'}",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        argv = [sys.executable, "-m", "nixrepro", "-C", str(project), "fetch", *arguments]
        return process.run(argv, env=variables)

    return go


def test_offline_lists_what_is_missing_and_asks_nobody(run, server):
    done = run("--offline")
    assert done.status == 6
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == ["layer", "missing", "version", "file"]
    assert lines[1].split() == ["wheels", "a", "1", "a-1-py3-none-any.whl"]
    assert lines[2].split() == ["data", "digits", "-", "digits.npz"]
    assert server.asked == []


def test_fetch_brings_all_but_optional_data_that_is_gone(run):
    done = run()
    assert done.status == 0, done.stderr
    assert "digits could not be had" in done.stderr
    assert "1 of 2 files are in the store, 1 of them new" in done.stderr
    again = run("--offline", "--json")
    assert again.status == 0
    answer = json.loads(again.stdout)
    assert answer["fetched"] == []
    assert [each["name"] for each in answer["missing"]] == ["digits"]


def test_from_a_folder_without_a_network(run, server, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a-1-py3-none-any.whl").write_bytes(BODY)
    done = run("--offline", "--from", str(stick), "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)["fetched"] == [
        {"layer": "wheels", "name": "a", "file": "a-1-py3-none-any.whl", "size": len(BODY)}
    ]
    assert server.asked == []


def test_a_wrong_file_is_told_in_full_and_not_kept(run, server, tmp_path):
    server.files["/a-1-py3-none-any.whl"] = BODY[::-1]
    done = run()
    assert done.status == 6
    assert "expected sha256" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path for path in (tmp_path / "cache/nixrepro").rglob("*") if path.is_file()] == []


def test_without_a_lock_it_says_what_to_do(run, project):
    (project / "nixrepro.lock").unlink()
    done = run()
    assert done.status == 2
    assert "nixrepro lock" in done.stderr

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
DIGITS = b"digits " * 1000
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
    digest, pinned = (hashlib.sha256(body).hexdigest() for body in (BODY, DIGITS))
    text = PROJECT.format(url=server.url, sha256=pinned)
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    url = f"{server.url}/a-1-py3-none-any.whl"
    server.files["/a-1-py3-none-any.whl"] = BODY
    wheel = Artefact("wheels", "a", "1", "wheel", "", url[-20:], len(BODY), digest, "", "", url=url)
    data = Artefact(
        *("data", "digits", "", "file", "", "digits.npz", 0, pinned, "", ""),
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
    assert [line.split() for line in lines[1:]] == [["wheels", "a", "1", "a-1-py3-none-any.whl"]]
    assert "0 of 1 files are in the store" in done.stderr
    done = run("--offline", "--data", "digits")
    assert done.status == 6
    lines = done.stdout.decode().splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["wheels", "a"], ["data", "digits"]]
    assert server.asked == []


def test_fetch_leaves_optional_data_alone(run, server):
    server.files["/digits.npz"] = DIGITS
    done = run()
    assert done.status == 0, done.stderr
    assert "1 of 1 files are in the store, 1 of them new" in done.stderr
    assert "digits" not in done.stderr
    assert server.count("/digits.npz") == 0
    again = run("--offline", "--json")
    assert again.status == 0
    assert json.loads(again.stdout) == {"fetched": [], "missing": []}


def test_optional_data_that_is_named_comes_too_and_is_kept(run, server, project):
    server.files["/digits.npz"] = DIGITS
    done = run("--data", "digits")
    assert done.status == 0, done.stderr
    assert "2 of 2 files are in the store, 2 of them new" in done.stderr
    # No environment reaches it: a link of its own keeps it from the garbage collector.
    assert os.readlink(project / ".nixrepro/roots/data-digits").endswith("-digits.npz")
    assert run("--offline", "--data", "digits").status == 0


def test_named_data_that_is_gone_is_an_error_with_its_url(run, server):
    done = run("--data", "digits")
    assert done.status == 6
    assert "digits.npz can't be had" in done.stderr
    assert f"{server.url}/digits.npz: 404 Not Found" in done.stderr
    assert "nixrepro fetch --data digits --from FOLDER" in done.stderr
    # All else came.
    assert run("--offline").status == 0


def test_data_that_the_lock_does_not_name_is_a_usage_error(run, server):
    done = run("--data", "digits", "--data", "nosuch")
    assert done.status == 2
    assert "nixrepro.lock names no data 'nosuch'" in done.stderr
    assert "hint: the data it names: digits\n" in done.stderr
    assert server.asked == []


def test_from_a_folder_without_a_network(run, server, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a-1-py3-none-any.whl").write_bytes(BODY)
    done = run("--offline", "--from", str(stick), "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)["fetched"] == [
        {"layer": "wheels", "name": "a", "file": "a-1-py3-none-any.whl", "size": len(BODY)}
    ]
    (stick / "digits.npz").write_bytes(DIGITS)
    done = run("--offline", "--from", str(stick), "--data", "digits", "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout) == {
        "fetched": [{"layer": "data", "name": "digits", "file": "digits.npz", "size": 0}],
        "missing": [],
    }
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

"""Where the commit of a tracker's run is taken from: what its record names is a stranger's word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nixrepro.errors import RunError
from nixrepro.process import Completed
from nixrepro.record import Record
from nixrepro.relaunch.tracked import repository


def named(remote: str, commit: str) -> Record:
    return Record(Path(), {"layers": {"code": {"commit": commit, "remote": remote}}})


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@mirror.example")
    argv = ["git", *who, *words]
    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_clone_has_names_of_the_repositorys_kind(tmp_path: Path, form: str) -> None:
    source, root = tmp_path / "source", tmp_path / "root"
    for folder in (source, root):
        folder.mkdir()
    git(source, "init", "--quiet", f"--object-format={form}")
    git(source, "commit", "--quiet", "--allow-empty", "--message", "first")
    commit = git(source, "rev-parse", "HEAD")
    home = repository(root, named(f"file://{source}", commit), tmp_path / "clone", lambda _: None)
    assert git(home.repository, "cat-file", "-t", commit) == "commit"


@pytest.mark.parametrize("remote", ["-o@mirror.example:a.git", "-uq@mirror.example:a"])
def test_a_remote_is_no_option(tmp_path: Path, remote: str) -> None:
    with pytest.raises(RunError, match="the record names no other"):
        repository(tmp_path, named(remote, "0" * 40), tmp_path / "clone", lambda _: None)


def test_git_is_told_where_its_options_end(tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def runner(argv: list[str], *, cwd: Path, env: dict[str, str]) -> Completed:
        assert cwd.is_relative_to(tmp_path)
        assert argv[1] != "fetch" or "ext" not in env["GIT_ALLOW_PROTOCOL"].split(":")
        asked.append(argv)
        return Completed(1, b"", "")

    remote = "git@mirror.example:a.git"
    with pytest.raises(RunError, match=r"is not to be had from git@mirror\.example:a\.git"):
        repository(tmp_path, named(remote, "0" * 40), tmp_path / "c", lambda _: None, runner)
    fetches = [argv for argv in asked if argv[1] == "fetch"]
    assert [argv[argv.index("--") + 1] for argv in fetches] == [remote] * 2

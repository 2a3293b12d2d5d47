"""What people call a commit, and a remote's URL without secrets."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.runtime.git_names import _ASKED, plain_settings, public, remote, told_settings

from .conftest import Workshop
from .repositories import call, read, repository

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host.example/a/b.git", "https://host.example/a/b.git"),
        ("https://host.example:8443/@scope/b", None),
        ("https://host.example/@scope/b", "https://host.example/@scope/b"),
        (f"https://user:{SECRET}@host.example/a.git", "https://host.example/a.git"),
        (f"https://{SECRET}@host.example/a.git", "https://host.example/a.git"),
        (f"https://user:{SECRET}@host.example:8443/a", "https://host.example:8443/a"),
        (f"https://user:p@{SECRET}@host.example/a", "https://host.example/a"),
        (f"https://user:12/{SECRET}@host.example/a", None),
        (f"https://user:p/{SECRET}@host.example/a", None),
        (f"https://user:12?{SECRET}@host.example/a", None),
        (f"https://host.example/a.git?private_token={SECRET}", "https://host.example/a.git"),
        (f"https://host.example?token={SECRET}/b", "https://host.example"),
        (f"https://host.example/a#{SECRET}", "https://host.example/a"),
        ("ssh://git@host.example:22/a", "ssh://git@host.example:22/a"),
        (f"ssh://git:{SECRET}@host.example/a", "ssh://git@host.example/a"),
        ("ssh://me@host.example/a", "ssh://host.example/a"),
        ("ssh://git@[::1]:22/a", "ssh://git@[::1]:22/a"),
        ("git@host.example:a/b.git", "git@host.example:a/b.git"),
        ("me@host.example:a/b.git", "host.example:a/b.git"),
        (f"user:{SECRET}@host.example:a/b.git", "host.example:a/b.git"),
        (f"git:{SECRET}@host.example:a/b.git", "git@host.example:a/b.git"),
        (f"user:x/{SECRET}@host.example:a", None),
        (f"user:///{SECRET}@host.example/a", None),
        (f"host.example:a?token={SECRET}", "host.example:a"),
        (f"hg::https://user:{SECRET}@host.example/a", "hg::https://host.example/a"),
        (f"ext::sh -c 'TOKEN={SECRET} x'", None),
        ("/srv/a@b:c/d.git", "/srv/a@b:c/d.git"),
        ("../origin.git", "../origin.git"),
        ("file:///srv/a.git", "file:///srv/a.git"),
    ],
)
def test_a_url_without_secrets(url: str, shown: str | None) -> None:
    found = public(url)
    assert SECRET not in str(found)
    assert found == shown if shown else "unknown" in found


@given(
    st.sampled_from(["https://", "http://", "ssh://", "git+ssh://", "hg::https://", ""]),
    st.lists(st.sampled_from([*"@:/?#", "x", "7"]), max_size=5),
    st.sampled_from(["@host.example/a", "@host.example:a/b", "@host.example:8/a"]),
)
def test_no_password_is_left_whatever_it_holds(scheme: str, odd: list[str], end: str) -> None:
    """Of a URL with a user and a password, which need not be quoted."""
    assert SECRET not in str(public(f"{scheme}user:{''.join(odd)}{SECRET}{end}"))


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], str]:
    """Writes a configuration of git, and gives the file's path."""

    def write(text: str) -> str:
        (tmp_path / "config").write_text(text)
        return str(tmp_path / "config")

    return write


def by_git(path: str) -> dict[str, list[str]]:
    words = ["git", "config", "-z", "--file", path, "--get-regexp", _ASKED]
    return told_settings(subprocess.run(words, capture_output=True, check=False).stdout[:-1])


def test_which_remote() -> None:
    up, origin, other = {"remote.up.url": ["/up"]}, {"remote.origin.url": ["/o"]}, "remote.x.url"
    both = {**up, **origin, "branch.main.remote": ["up"]}
    assert remote(both, "main") == "/up"
    assert remote(both, "other") == remote(both, "") == "/o"
    assert remote(up, "main") == "/up"
    assert "several" in remote({**up, other: ["/x"]}, "")["unknown"]
    assert "no remote" in remote({}, "main")["unknown"]
    assert remote({**origin, "branch.main.remote": ["."]}, "main") == "/o"
    named = {"branch.main.remote": [f"https://u:{SECRET}@host.example/a"]}
    assert remote(named, "main") == "https://host.example/a"
    assert remote({"remote.a.b.url": ["/1"], "branch.x.y.remote": ["a.b"]}, "x.y") == "/1"
    assert remote({"remote.origin.url": ["/first", "/second"]}, "") == "/first"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[core]\n\tbare = false\n[remote "origin"]\n\turl = /o\n\tfetch = +refs/*\n',
        '[remote "a.b"]\nurl=/1\nurl = /2\n[branch "x.y/z"]\n  remote = a.b\n  merge = m\n',
        '[REMOTE "Up"]\n\tURL = git@host.example:a b.git  \n[alias]\n\tx = "!y # z"\n',
        "# remark\n[user]\n\tname = a; b\n",
    ],
)
def test_a_plain_configuration_is_read_as_git_reads_it(
    text: str, config: Callable[[str], str]
) -> None:
    path = config(text)
    assert plain_settings(path) == by_git(path)


@pytest.mark.parametrize(
    "text",
    [
        '[include]\n\tpath = other\n[remote "o"]\n\turl = /o\n',
        '[includeIf "gitdir:/x/"]\n\tpath = other\n',
        '[remote "o"]\n\turl = "/o"\n',
        '[remote "o"]\n\turl = /o # remark\n',
        '[remote "o"]\n\turl = /o\\\n/p\n',
        '[remote "o\\"p"]\n\turl = /o\n',
        '[remote "o"] url = /o\n',
        "[remote o]\n",
    ],
)
def test_what_is_special_is_left_to_git(text: str, config: Callable[[str], str]) -> None:
    assert plain_settings(config(text)) is None


def test_a_configuration_that_git_has_to_read(tmp_path: Path) -> None:
    project = repository(tmp_path / "project", train__py="print(1)\n")
    (tmp_path / "more").write_text('[remote "origin"]\n\turl = /included\n')
    call(project, "config", "include.path", str(tmp_path / "more"))
    assert read(project, tmp_path)[0].names()["remote"] == "/included"


def test_a_work_tree_of_its_own(tmp_path: Path) -> None:
    project = repository(tmp_path / "project", train__py="print(1)\n")
    call(project, "remote", "add", "origin", "/o")
    call(project, "tag", "v1")
    call(project, "worktree", "add", "-q", str(tmp_path / "other"))
    found = read(tmp_path / "other", tmp_path)[0].names()
    assert found == {"describe": "v1", "remote": "/o"}


def test_a_description_by_tags(tmp_path: Path) -> None:
    project = repository(tmp_path / "project", train__py="print(1)\n")

    def described() -> str:
        found = read(project, tmp_path)[0].names()["describe"]
        assert isinstance(found, str)
        return found

    assert described() == call(project, "rev-parse", "--short=12", "HEAD")
    call(project, "tag", "v1")
    assert described() == "v1"
    (project / "new.py").write_text("print(2)\n")
    assert described() == "v1" == call(project, "describe", "--tags", "--always", "--dirty")
    (project / "train.py").write_text("print(3)\n")
    assert described() == "v1-dirty" == call(project, "describe", "--tags", "--always", "--dirty")
    call(project, "commit", "-qam", "second")
    assert described() == call(project, "describe", "--tags", "--abbrev=12")
    call(project, "pack-refs", "--all")
    assert described().startswith("v1-1-g")


def test_a_run_records_both_though_the_branch_moves(workshop: Workshop, tmp_path: Path) -> None:
    call(workshop.project, "init", "-q", "-b", "main")
    (workshop.project / "train.py").write_text("print(1)\n")
    call(workshop.project, "add", ".")
    call(workshop.project, "commit", "-qm", "first")
    call(workshop.project, "tag", "v1")
    call(workshop.project, "remote", "add", "up", f"https://user:{SECRET}@host.example/a.git")
    call(workshop.project, "config", "branch.main.remote", "up")
    workshop.run("true")
    (folder,) = workshop.folders()
    facts = workshop.record()["layers"]["code"]
    assert (facts["describe"], facts["remote"]) == ("v1", "https://host.example/a.git")
    assert SECRET.encode() not in b"".join(p.read_bytes() for p in folder.iterdir())


def test_outside_of_a_repository_there_are_no_names(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    assert read(tmp_path / "p", tmp_path)[0].names() == {}

"""A `git add` that was forgotten is said, and nothing else is taken for one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nixrepro.errors import BuildError
from nixrepro.nix import Nix
from nixrepro.verify.unseen import unseen

SOURCE = "/nix/store/pbb2bdcivlvlv1g09qa0r172kjzzanvj-source"
MISSING = f"error: getting status of '{SOURCE}/nix': No such file or directory"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "flake.nix").write_text("{ outputs = inputs: import ./nix { }; }\n")
    for name in ("flake.lock", "nixrepro.lock", "pyproject.toml", "nix/default.nix", "nix/a.nix"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def said(project: Path, details: str = MISSING) -> str:
    return unseen(project, Nix(), BuildError("it can't be built", details=details))


@pytest.mark.parametrize("name", ["nix", "flake.nix", "nix/a.nix", "nixrepro.lock"])
def test_what_git_does_not_know_is_named(project: Path, name: str) -> None:
    git(project, "rm", "-rq", "--cached", name)
    reason = f"git does not know {name}, and Nix sees only what git knows: `git add {name}`"
    assert said(project) == reason


def test_a_lock_of_the_flake_is_missed_in_other_words(project: Path) -> None:
    git(project, "rm", "-q", "--cached", "flake.lock")
    assert "`git add flake.lock`" in said(project, "error: unable to download 'x'")


def test_another_error_is_not_explained_by_it(project: Path) -> None:
    assert said(project) == ""
    (project / "nix" / "new.nix").write_text("")
    assert said(project, "error: undefined variable 'x'") == ""
    assert said(project) != ""
    assert said(project, "") == ""


def test_without_git_nothing_is_hidden(tmp_path: Path) -> None:
    assert said(tmp_path) == ""

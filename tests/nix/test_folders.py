"""Projects in and outside git, in folders of any name, and new ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import REPOSITORY, Project, call
from .session import PYTHON, TRUE, Own, one_error, unshared


@pytest.fixture
def fresh(project: Project, tmp_path: Path) -> Own:
    """A project that was never realised; what its closure consists of is in the store."""
    return Own.copied(tmp_path / "project")


def git(folder: Path, *words: str) -> str:
    done = call(["git", "-C", folder, *words])
    assert done.status == 0, done.err
    return done.out


def test_git_that_does_not_know_the_flake_learns_of_it(fresh: Own) -> None:
    git(fresh.root, "init", "-q")
    git(fresh.root, "add", "train", "pyproject.toml")
    done = fresh(*TRUE)
    assert done.status == 0, done.err
    assert "git: knows flake.lock, flake.nix, nix" in done.err
    assert "nix/default.nix" in git(fresh.root, "ls-files").split()
    # Known, and no content of it was staged.
    assert git(fresh.root, "diff", "--cached", "--name-only").split() == sorted(
        git(fresh.root, "ls-files", "train", "pyproject.toml").split()
    )


def test_a_folder_inside_a_git_repository(project: Project, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    own = Own.copied(tmp_path / "some" / "project")
    git(tmp_path, "add", ".")
    done = own("run", "--", "true")
    assert done.status == 0, done.err
    assert not (tmp_path / ".nixrepro").exists()
    assert len(own.runs()) == 1


@pytest.mark.parametrize("repository", ["", "around", "inside"])
@pytest.mark.parametrize("name", ["a b'\"c", "ü#?%41&x=1", "-$HOME\\"])
def test_a_folder_of_any_name(project: Project, tmp_path: Path, name: str, repository: str) -> None:
    own = Own.copied(tmp_path / "top" / name)
    root = own.root
    if repository:
        top = root if repository == "inside" else root.parent
        git(top, "init", "-q")
        git(top, "add", ".")
    done = own("run", "--", "pwd")
    assert (done.status, done.out) == (0, f"{root}\n"), done.err
    assert own.runs()[0]["status"] == "done"
    assert own("gc").status == 0


def test_inside_a_hook_of_another_repository(fresh: Own, tmp_path: Path) -> None:
    git(fresh.root, "init", "-q")
    git(tmp_path, "init", "-q", "other")
    done = fresh(*TRUE, GIT_DIR=str(tmp_path / "other" / ".git"))
    assert done.status == 0, done.err
    assert "flake.nix" in git(fresh.root, "ls-files").split()
    assert git(tmp_path / "other", "ls-files") == ""


def test_without_git_a_work_tree_is_a_folder(fresh: Own, tmp_path: Path) -> None:
    git(fresh.root, "init", "-q")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("nix", "nix-store"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    done = fresh(*TRUE, PATH=str(tools))
    assert done.status == 0, done.err


# --- a new project


def test_a_new_project_with_this_ones_lock_is_the_same_environment(
    project: Project, environment: Path, tmp_path: Path
) -> None:
    root = tmp_path / "new"
    root.mkdir()
    git(root, "init", "-q")
    new = Own(root)
    done = new("init")
    assert done.status == 0, done.err
    done = new(*TRUE)
    assert (done.status, one_error(done.err)) == (2, f"there is no {root / 'nixrepro.lock'}")
    for name in ("pyproject.toml", "nixrepro.lock", "flake.lock"):
        shutil.copy(REPOSITORY / name, root / name)
    assert new("lock", "--check").status == 0
    argv = [*PYTHON, "run", "--", "python", "-c", "import sys; print(sys.prefix)"]
    done = unshared("net", 'cd "$1"; shift; "$@"', root, *argv, env=new.variables())
    assert (done.status, done.out) == (0, f"{environment}\n"), done.err
    assert new("init", "--update").status == 0
    assert git(root, "status", "--porcelain", ".nixrepro") == ""


# --- outside git


def test_outside_git_nothing_but_the_flake_is_copied(fresh: Own, environment: Path) -> None:
    """The same environment as ever, and no data set, model or record with it."""
    (fresh.root / "data").mkdir()
    os.mkfifo(fresh.root / "data" / "pipe")  # Nix can copy no such file
    (fresh.root / "nix").rename(fresh.root / "library")
    (fresh.root / "nix").symlink_to("library")
    done = fresh("run", "--no-record", "--", "python", "-c", "import sys; print(sys.prefix)")
    assert (done.status, done.out) == (0, f"{environment}\n"), done.err
    assert not (fresh.root / ".nixrepro" / "flake").exists()

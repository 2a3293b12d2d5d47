"""The code layer, read from real repositories."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from nixrepro.runtime import git, git_changes

from .conftest import Workshop
from .repositories import call, look


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    folder.mkdir()
    call(folder, "init", "-q")
    (folder / ".gitignore").write_text("ignored\n")
    (folder / "train.py").write_text("print(1)\n")
    (folder / "old.py").write_text("print(2)\n")
    call(folder, "add", ".")
    call(folder, "commit", "-qm", "first")
    return folder


def test_clean(project: Path, tmp_path: Path) -> None:
    facts, patch = look(project, tmp_path)
    assert patch == b""
    assert facts == {
        "commit": call(project, "rev-parse", "HEAD"),
        "tree": call(project, "rev-parse", "HEAD^{tree}"),
        "dirty": False,
        "large": [],
        "submodules": [],
        "lfs": [],
        "describe": git.LATER,
        "remote": git.LATER,
    }


def change(project: Path) -> None:
    (project / "train.py").write_text("print(3)\n")
    (project / "old.py").unlink()
    (project / "folder").mkdir()
    (project / "folder" / "new\nname é.py").write_text("print(4)\n")
    (project / "binary").write_bytes(bytes(range(256)) * 9)
    (project / "link").symlink_to("train.py")
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o755)
    (project / "ignored").write_text("not seen")
    (project / "staged.py").write_text("print(5)\n")
    call(project, "add", "staged.py")
    (project / ".nixrepro").mkdir()
    (project / ".nixrepro" / "x").write_text("our own")


def test_the_patch_makes_the_commit_what_ran(project: Path, tmp_path: Path) -> None:
    change(project)
    before = (project / ".git" / "index").read_bytes()
    objects = call(project, "count-objects")
    facts, patch = look(project, tmp_path)
    assert facts["dirty"] is True
    assert (project / ".git" / "index").read_bytes() == before
    assert call(project, "count-objects") == objects
    assert facts["patch"]["size"] == len(patch)
    # Applied to a fresh copy of the commit, it gives the very tree that was recorded.
    copy = tmp_path / "copy"
    call(tmp_path, "clone", "-q", str(project), str(copy))
    subprocess.run(["git", "-C", copy, "apply", "--index"], input=patch, check=True)
    assert call(copy, "write-tree") == facts["tree"]
    assert (copy / "folder" / "new\nname é.py").read_text() == "print(4)\n"
    assert not (copy / "old.py").exists() and not (copy / "ignored").exists()
    assert not (copy / ".nixrepro").exists()


def test_committing_it_changes_the_commit_and_not_the_tree(project: Path, tmp_path: Path) -> None:
    change(project)
    before, _ = look(project, tmp_path)
    call(project, "add", ".", ":!.nixrepro")
    call(project, "commit", "-qm", "second")
    after, patch = look(project, tmp_path)
    assert patch == b""
    assert after["tree"] == before["tree"]
    assert after["commit"] != before["commit"]


def test_a_file_that_became_a_folder(project: Path, tmp_path: Path) -> None:
    (project / "old.py").unlink()
    (project / "old.py").mkdir()
    (project / "old.py" / "inner").write_text("x")
    facts, patch = look(project, tmp_path)
    assert b"old.py/inner" in patch
    assert len(facts["tree"]) == 40


def test_a_folder_that_became_a_link(project: Path, tmp_path: Path) -> None:
    (project / "big").mkdir()
    (project / "big" / "a").write_text("a")
    call(project, "add", ".")
    call(project, "commit", "-qm", "second")
    (project / "big").rename(tmp_path / "big")
    (project / "big").symlink_to(tmp_path / "big")
    facts, patch = look(project, tmp_path)
    assert b"deleted file mode 100644" in patch and b"new file mode 120000" in patch
    call(project, "add", "--all")
    assert facts["tree"] == call(project, "write-tree")


def test_only_our_own_folder_is_not_dirty(project: Path, tmp_path: Path) -> None:
    (project / ".nixrepro").mkdir()
    (project / ".nixrepro" / "x").write_text("x")
    assert look(project, tmp_path)[0]["dirty"] is False


def test_a_change_in_the_very_second_of_a_commit(project: Path, tmp_path: Path) -> None:
    """Of the same size, and so the same by all that git's index keeps of a file."""
    index, file = project / ".git" / "index", project / "train.py"
    then = (1_600_000_000, 1_600_000_000)
    os.utime(file, then)
    call(project, "update-index", "--refresh")
    file.write_text("print(7)\n")
    os.utime(file, then)
    os.utime(index, then)
    facts, patch = look(project, tmp_path)
    assert facts["dirty"] is True
    assert b"+print(7)" in patch


def test_large_untracked_files_by_digest(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git, "LARGE", 1000)
    monkeypatch.setattr(git_changes, "DIGESTED", 4000)
    (project / "a").write_bytes(b"a" * 1000)
    (project / "b").write_bytes(b"b" * 1001)
    (project / "c").write_bytes(b"c" * 3001)
    facts, patch = look(project, tmp_path)
    assert b"+++ b/a" in patch and b"b/b" not in patch
    assert [entry["path"] for entry in facts["large"]] == ["b", "c"]
    assert facts["large"][0]["sha256"] == hashlib.sha256(b"b" * 1001).hexdigest()
    assert "too large" in facts["large"][1]["sha256"]["unknown"]


def test_a_repository_inside(project: Path, tmp_path: Path) -> None:
    (project / "inner").mkdir()
    call(project / "inner", "init", "-q")
    (project / "train.py").write_text("changed\n")
    facts, patch = look(project, tmp_path)
    assert b"changed" in patch
    assert "of its own" in facts["large"][0]["sha256"]["unknown"]


def test_nothing_committed_yet(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    call(folder, "init", "-q")
    (folder / "train.py").write_text("print(1)\n")
    facts, patch = look(folder, tmp_path)
    assert "unknown" in facts["commit"]
    assert b"+print(1)" in patch and len(facts["tree"]) == 40


def test_a_patch_that_git_can_not_make(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    call(folder, "init", "-q", "--object-format=sha256")  # whose empty tree has another name
    (folder / "train.py").write_text("print(1)\n")
    facts, patch = look(folder, tmp_path)
    assert facts["tree"] == facts["patch"] == {"unknown": "git can't write down what changed"}
    assert patch == b""


def test_no_repository(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    facts, patch = look(folder, tmp_path)
    assert "no Git repository" in facts["unknown"] and patch == b""


def test_a_repository_in_which_git_status_fails(project: Path, tmp_path: Path) -> None:
    (project / ".git" / "index").write_bytes(b"broken")
    facts, patch = look(project, tmp_path)
    assert "`git status` says there why" in facts["unknown"] and patch == b""


def test_no_git(tmp_path: Path) -> None:
    code = git.Code(str(tmp_path), "", {"PATH": str(tmp_path)})
    code.start()
    assert "no git" in code.finish(str(tmp_path))[0]["unknown"]


def test_a_folder_inside_of_the_repository(project: Path, tmp_path: Path) -> None:
    inner = project / "sub"
    inner.mkdir()
    (inner / "x.py").write_text("print()\n")
    facts, patch = look(inner, tmp_path)
    assert b"+++ b/sub/x.py" in patch
    assert facts["commit"] == call(project, "rev-parse", "HEAD")


def test_a_folder_named_from_where_one_is(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = project / "sub"
    inner.mkdir()
    (inner / "x.py").write_text("print()\n")
    monkeypatch.chdir(inner)
    facts, patch = look(Path(), tmp_path)
    assert (facts, patch) == look(inner, tmp_path)
    assert b"+++ b/sub/x.py" in patch and len(facts["tree"]) == 40


def test_another_repositorys_variables_do_not_count(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    code = git.Code(str(project), "", dict(os.environ))
    code.start()
    assert code.finish(str(tmp_path))[0]["dirty"] is False


def test_the_patch_lies_beside_the_record(workshop: Workshop) -> None:
    call(workshop.project, "init", "-q")
    (workshop.project / "train.py").write_text("print(1)\n")
    workshop.run("true")
    (folder,) = workshop.folders()
    patch = (folder / "code.patch").read_bytes()
    facts = workshop.record()["layers"]["code"]
    assert facts["patch"]["size"] == len(patch) > 0
    assert facts["describe"] == {"unknown": "nothing is committed yet"}
    assert facts["remote"] == {"unknown": "the repository has no remote"}

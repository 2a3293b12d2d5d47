"""The trees of trials hold what Nix is to see of A, and no more; equal ones are equal."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from nixrepro.bisect import ends, trees
from nixrepro.bisect.ends import other, start
from nixrepro.errors import NixreproError, RunError
from nixrepro.lock import Lock, dumps
from nixrepro.record import Record
from nixrepro.repeat import integrity
from nixrepro.verify.verdict import Finding

from ..mixing.parts import deb, lock


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def write(one: Lock, path: Path) -> Lock:
    path.write_text(dumps(one))
    return one


OLD, NEW = lock(deb("sed", "1")), lock(deb("sed", "2"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project at two commits, changed since, below the top of its repository."""
    top = tmp_path / "repository"
    root = top / "inside"
    (root / "nix").mkdir(parents=True)
    (root / "flake.nix").write_text("{ outputs = _: import ./nix { }; }")
    (root / "nix" / "default.nix").write_text("{ }")
    (root / "pyproject.toml").write_text('[project]\nname = "p"\n\n[tool.nixrepro]\n')
    (root / "train.py").write_text("print(1)\n")
    (root / ".gitignore").write_text("models/\n.nixrepro/\n")
    git(top, "init", "-q")
    for one in (OLD, NEW):
        write(one, root / "nixrepro.lock")
        git(top, "add", ".")
        git(top, "commit", "-qm", "x")
    (root / "train.py").write_text("print(2)\n")
    (root / "new.py").write_text("")
    (root / "models").mkdir()
    (root / "models" / "large").write_text("")
    (root / ".nixrepro").mkdir()
    return root


def files(folder: Path) -> set[str]:
    found = folder.rglob("*")
    return {str(each.relative_to(folder)) for each in found if not each.is_dir()}


SEEN = {"flake.nix", "nix/default.nix", "pyproject.toml", "train.py", ".gitignore"}


def test_a_work_tree_is_what_git_does_not_ignore(project: Path, tmp_path: Path) -> None:
    (project / "link").symlink_to("train.py")
    trees.lay_base(project, tmp_path / "base", made=False)
    assert files(tmp_path / "base") == SEEN | {"nixrepro.lock", "new.py", "link"}
    assert os.readlink(tmp_path / "base" / "link") == "train.py"


def test_a_folder_without_git_is_all_of_it(project: Path, tmp_path: Path) -> None:
    (project.parent / ".git").rename(tmp_path / "gone")
    trees.lay_base(project, tmp_path / "base", made=False)
    assert "models/large" in files(tmp_path / "base")
    assert not any(name.startswith(".nixrepro") for name in files(tmp_path / "base"))


def test_a_trial_has_its_own_lock_and_all_else_in_common(project: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    trees.lay_base(project, base, made=False)
    key = trees.content(base)
    trees.lay(base, tmp_path / "0", "one")
    trees.lay(base, tmp_path / "1", "two")
    assert (tmp_path / "0" / "nixrepro.lock").read_text() == "one"
    assert (tmp_path / "1" / "nixrepro.lock").read_text() == "two"
    assert files(tmp_path / "0") == files(base) | {"nixrepro.lock"}
    # The key is the same for the same files with any lock, and another one for other files.
    again = tmp_path / "again"
    write(OLD, project / "nixrepro.lock")
    trees.lay_base(project, again, made=False)
    assert trees.content(again) == key
    trees.configure(again, "other")
    assert trees.content(again) != key
    assert (base / "pyproject.toml").read_text() != "other"


def test_what_is_written_into_one_tree_is_in_no_other(project: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    (project / "pyproject.toml").rename(project / "real.toml")
    (project / "pyproject.toml").symlink_to("real.toml")
    trees.lay_base(project, base, made=False)
    before = (base / "nixrepro.lock").read_text(), (base / "real.toml").read_text()
    trees.lay(base, tmp_path / "0", "one")
    trees.configure(base, "other")
    assert (base / "pyproject.toml").read_text() == "other"
    assert ((base / "nixrepro.lock").read_text(), (base / "real.toml").read_text()) == before


def test_a_revision_has_its_own_tree_and_lock(project: Path, tmp_path: Path) -> None:
    found = start(project, "HEAD~1:", tmp_path / "tree")
    assert found.end.lock.artefacts == OLD.artefacts and found.made
    assert (found.project / "train.py").read_text() == "print(1)\n"
    assert not (found.project / "new.py").exists()
    assert other(project, "HEAD:", tmp_path / "b").lock.artefacts == NEW.artefacts
    named = other(project, "HEAD~1:inside/nixrepro.lock", tmp_path / "c")
    assert named.lock.artefacts == OLD.artefacts
    # Nothing of that happened in the project.
    assert (project / "train.py").read_text() == "print(2)\n"


def test_a_lock_file_has_the_project_as_it_is(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    write(OLD, path)
    found = start(project, str(path), tmp_path / "tree")
    assert (found.project, found.made) == (project, False)
    assert found.end.lock.artefacts == OLD.artefacts
    assert start(project, str(project), tmp_path / "tree").end.lock.artefacts == NEW.artefacts
    assert not (tmp_path / "tree").exists()


@pytest.mark.parametrize("text", ["nothing", "HEAD~7:", "facts.json", "models"])
def test_what_has_no_lock(
    project: Path, tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    (project / "facts.json").write_text("{}")
    for find in (start, other):
        with pytest.raises(NixreproError) as caught:
            find(project, text, tmp_path / find.__name__)
        assert caught.value.hint


def test_a_run_of_another_clone_has_that_clones_lock(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_project = tmp_path / "mine"
    other_project.mkdir()
    git(other_project, "init", "-q")
    folder = project / ".nixrepro" / "runs" / ("a" * 16)
    folder.mkdir(parents=True)
    text = (project / "nixrepro.lock").read_bytes()
    document = {
        "id": "a" * 64,
        "environment": {"lock": hashlib.sha256(text).hexdigest()},
        "layers": {},
    }
    record = Record(folder, document)
    monkeypatch.setattr(integrity, "problems", lambda *_: ())
    found = ends._of_run(other_project, record, tmp_path / "tree")
    assert found.artefacts == NEW.artefacts
    monkeypatch.setattr(integrity, "problems", lambda *_: (Finding("id", "wrong"),))
    with pytest.raises(RunError, match="is not as it was recorded"):
        ends._of_run(other_project, record, tmp_path / "tree")

"""Submodules in the code layer, read from real repositories."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from nixrepro.runtime.record import what_counts

from .repositories import call, read, repository


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the submodule `lib`, which has the submodule `deep`."""
    deep = repository(tmp_path / "origins" / "deep", deep__py="print(1)\n")
    lib = repository(tmp_path / "origins" / "lib", lib__py="print(2)\n")
    call(lib, "submodule", "add", "-q", str(deep), "deep")
    call(lib, "commit", "-qm", "second")
    project = repository(tmp_path / "project", train__py="print(3)\n")
    call(project, "submodule", "add", "-q", str(lib), "lib")
    call(project, "submodule", "update", "-q", "--init", "--recursive")
    call(project, "commit", "-qm", "second")
    return project


def test_clean_ones_by_their_commits(project: Path, tmp_path: Path) -> None:
    code, facts, patches = read(project, tmp_path)
    assert facts["submodules"] == [
        {"path": "lib", "commit": call(project / "lib", "rev-parse", "HEAD"), "dirty": False},
        {
            "path": "lib/deep",
            "commit": call(project / "lib" / "deep", "rev-parse", "HEAD"),
            "dirty": False,
        },
    ]
    assert (facts["dirty"], patches, code.changed) == (False, {}, [])


def test_what_is_not_committed_in_one(project: Path, tmp_path: Path) -> None:
    (project / "lib" / "lib.py").write_text("print(4)\n")
    (project / "lib" / "deep" / "new.py").write_text("print(5)\n")
    code, facts, patches = read(project, tmp_path)
    lib, deep = facts["submodules"]
    assert (lib["dirty"], deep["dirty"], facts["dirty"]) == (True, True, True)
    assert facts["tree"] == call(project, "rev-parse", "HEAD^{tree}")
    assert sorted(code.changed) == ["lib/deep/new.py", "lib/lib.py"]
    assert code.untracked == ["lib/deep/new.py"]
    # Applied to a clone at the recorded commit, each patch gives the recorded tree.
    for number, entry in enumerate((lib, deep)):
        copy = tmp_path / f"copy-{number}"
        call(tmp_path, "clone", "-q", str(project / entry["path"]), str(copy))
        patch = patches[entry["patch"]["file"]]
        subprocess.run(["git", "-C", copy, "apply", "--index"], input=patch, check=True)
        assert call(copy, "write-tree") == entry["tree"]
    assert len({lib["patch"]["file"], deep["patch"]["file"]}) == 2


def test_another_commit_in_one_is_another_tree(project: Path, tmp_path: Path) -> None:
    before = read(project, tmp_path)[1]
    (project / "lib" / "lib.py").write_text("print(6)\n")
    call(project / "lib", "commit", "-qam", "third")
    code, facts, patches = read(project, tmp_path)
    assert facts["tree"] != before["tree"]
    assert facts["submodules"][0]["commit"] == call(project / "lib", "rev-parse", "HEAD")
    assert facts["submodules"][0]["dirty"] is False
    assert b"Subproject commit" in patches["code.patch"]
    assert code.changed == ["lib"]


def test_one_that_is_not_there(project: Path, tmp_path: Path) -> None:
    commit = call(project / "lib", "rev-parse", "HEAD")
    call(project, "submodule", "deinit", "-q", "--force", "lib")
    _, facts, _ = read(project, tmp_path)
    missing = {"path": "lib", "commit": commit, "dirty": False, "missing": True}
    assert (facts["submodules"], facts["dirty"]) == ([missing], False)


def test_one_whose_folder_is_gone_is_a_change(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / "lib")
    code, facts, _ = read(project, tmp_path)
    assert facts["dirty"] is True
    assert "lib" in code.changed


def test_large_files_in_one(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nixrepro.runtime.git.LARGE", 100)
    (project / "lib" / "large").write_bytes(b"x" * 101)
    _, facts, patches = read(project, tmp_path)
    assert [each["path"] for each in facts["large"]] == ["lib/large"]
    assert patches == {}


def test_the_experiment_is_another_one(project: Path, tmp_path: Path) -> None:
    def experiment() -> str:
        layers = {"code": read(project, tmp_path)[1], "data": [], "settings": {}}
        return str(what_counts({"digest": ""}, layers)["code"])

    clean = experiment()
    assert "submodules" not in clean
    (project / "lib" / "lib.py").write_text("print(7)\n")
    changed = experiment()
    call(project, "submodule", "deinit", "-q", "--force", "lib")
    assert len({clean, changed, experiment()}) == 3

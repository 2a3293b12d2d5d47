"""Git LFS in the code layer: pointers that were not fetched, and files that were, as they are."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from nixrepro.runtime import git_changes, git_lfs
from nixrepro.runtime.record import what_counts

from .repositories import call, look, read, repository

CONTENT = b"weights" * 1000
POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    f"oid sha256:{hashlib.sha256(CONTENT).hexdigest()}\nsize {len(CONTENT)}\n"
)
ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as it is cloned where there is no Git LFS."""
    folder = tmp_path / "project"
    repository(folder, __gitattributes=ATTRIBUTES, model__bin=POINTER, train__py="print(1)\n")
    return folder


def fetched(project: Path) -> None:
    """Have the content where the pointer was, as `git lfs pull` leaves it, but for the index."""
    (project / "model.bin").write_bytes(CONTENT)


def test_a_pointer_that_was_not_fetched(project: Path, tmp_path: Path) -> None:
    code, facts, patches = read(project, tmp_path)
    assert facts["lfs"] == ["model.bin"]
    assert (facts["dirty"], facts["large"], patches, code.changed) == (False, [], {}, [])


def test_a_file_that_was_fetched_is_as_it_was_committed(project: Path, tmp_path: Path) -> None:
    fetched(project)
    code, facts, patches = read(project, tmp_path)
    assert facts["lfs"] == []
    assert (facts["dirty"], facts["large"], patches, code.changed) == (False, [], {}, [])
    assert facts["tree"] == call(project, "rev-parse", "HEAD^{tree}")


def test_a_file_that_was_changed_gives_the_tree_of_its_pointer(
    project: Path, tmp_path: Path
) -> None:
    content = b"other weights" * 1000
    (project / "model.bin").write_bytes(content)
    facts, patch = look(project, tmp_path)
    sha256 = hashlib.sha256(content).hexdigest()
    assert facts["large"] == [{"path": "model.bin", "size": len(content), "sha256": sha256}]
    assert f"+oid sha256:{sha256}".encode() in patch and b"other weights" not in patch
    # What Git LFS commits gives the same tree.
    (project / "model.bin").write_bytes(git_lfs.written(sha256, len(content)))
    call(project, "commit", "-qam", "second")
    assert call(project, "rev-parse", "HEAD^{tree}") == facts["tree"]


def test_a_new_file_and_an_empty_one(project: Path, tmp_path: Path) -> None:
    fetched(project)
    (project / "new.bin").write_bytes(CONTENT)
    (project / "empty.bin").touch()
    (project / "plain.py").write_text("print(2)\n")
    facts, patch = look(project, tmp_path)
    assert [each["path"] for each in facts["large"]] == ["new.bin"]
    assert b"size 7000" in patch and b"plain.py" in patch and b"b/empty.bin" in patch
    assert b"model.bin" not in patch


def test_attributes_in_a_folder_and_those_of_this_clone(project: Path, tmp_path: Path) -> None:
    (project / ".gitattributes").unlink()
    inner = project / "data"
    inner.mkdir()
    (inner / "a.bin").write_text(POINTER)
    (inner / ".gitattributes").write_text(ATTRIBUTES)
    call(project, "add", ".")
    call(project, "commit", "-qm", "second")
    assert look(project, tmp_path)[0]["lfs"] == ["data/a.bin"]
    (project / ".git" / "info").mkdir(exist_ok=True)
    (project / ".git" / "info" / "attributes").write_text("/model.bin filter=lfs\n")
    assert look(project, tmp_path)[0]["lfs"] == ["data/a.bin", "model.bin"]


def test_a_filter_that_is_set_up_is_not_run(project: Path, tmp_path: Path) -> None:
    """Else what is recorded depends on a program of the host."""
    # As large as its own pointer: of all others git sees by the size that they are not that.
    content = b"x" * len(git_lfs.written("0" * 64, 100))
    pointer = git_lfs.written(hashlib.sha256(content).hexdigest(), len(content))
    assert len(content) == len(pointer)
    (project / "model.bin").write_bytes(pointer)
    call(project, "commit", "-qam", "second")
    (project / "model.bin").write_bytes(content)
    os.utime(project / "model.bin", (time.time() + 5, time.time() + 5))
    marks = [tmp_path / "clean", tmp_path / "process"]
    call(project, "config", "filter.lfs.clean", f"touch '{marks[0]}'; cat")
    for _ in range(2):
        facts, patch = look(project, tmp_path)
        assert (facts["dirty"], facts["large"], patch) == (False, [], b"")
        assert not any(mark.exists() for mark in marks)
        call(project, "config", "filter.lfs.process", f"touch '{marks[1]}'; false")
        call(project, "config", "filter.lfs.required", "true")


def test_no_start_digests_without_end(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_lfs, "DIGESTED", 10)
    fetched(project)
    facts, patch = look(project, tmp_path)
    assert facts["large"][0]["sha256"] == git_changes.TOO_LARGE
    assert patch == b"" and facts["tree"] == call(project, "rev-parse", "HEAD^{tree}")


def test_a_removed_file_is_a_change(project: Path, tmp_path: Path) -> None:
    (project / "model.bin").unlink()
    facts, patch = look(project, tmp_path)
    assert b"deleted file" in patch and facts["large"] == []


def test_pointers_that_were_not_fetched_are_another_experiment(
    project: Path, tmp_path: Path
) -> None:
    def experiment() -> str:
        layers = {"code": look(project, tmp_path)[0], "data": [], "settings": {}}
        return str(what_counts({"digest": ""}, layers)["code"])

    before = experiment()
    fetched(project)
    assert before != experiment()
    assert "lfs" not in experiment()


@pytest.mark.parametrize(
    "text",
    [
        POINTER.replace("oid", "iod"),
        POINTER.replace("size ", "size x"),
        POINTER + "more\n",
        POINTER.replace("version", "vers"),
        "",
        POINTER + " " * 1024,
    ],
)
def test_what_is_no_pointer(text: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    assert git_lfs.pointer(str(file)) == b""
    assert git_lfs.pointer(str(tmp_path / "absent")) == b""
    (tmp_path / "link").symlink_to("pointer")
    (tmp_path / "pointer").write_text(POINTER)
    assert git_lfs.pointer(str(tmp_path / "link")) == b""
    assert git_lfs.pointer(str(tmp_path / "pointer")) == POINTER.encode()


def test_only_the_time_of_a_fetched_file_changed(project: Path, tmp_path: Path) -> None:
    fetched(project)
    call(project, "add", "--renormalize", "train.py")
    os.utime(project / "model.bin", (time.time() + 5, time.time() + 5))
    assert look(project, tmp_path)[0]["dirty"] is False

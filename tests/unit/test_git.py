"""git says where a folder is and learns of new files; where there is no work tree, nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from nixrepro import git
from nixrepro.process import Completed, run


def status(folder: Path) -> str:
    return run(["git", "status", "--porcelain"], cwd=folder).stdout.decode()


def test_new_files_are_known_without_their_content_ignored_ones_too(tmp_path: Path) -> None:
    run(["git", "init", "-q", str(tmp_path)])
    project = tmp_path / "inner"
    (project / "nix").mkdir(parents=True)
    for name in (".gitignore", "flake.nix", "nix/default.nix", "other"):
        (project / name).write_text("nix\n")
    assert git.intend_to_add(project, ["flake.nix", "nix", "absent"])
    assert (
        status(project)
        == " A inner/flake.nix\n A inner/nix/default.nix\n?? inner/.gitignore\n?? inner/other\n"
    )
    assert git.intend_to_add(project, ["flake.nix"])


def test_outside_a_work_tree_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "flake.nix").touch()
    assert not git.intend_to_add(tmp_path, ["flake.nix"])


def absent(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    show: bool = False,
) -> Completed:
    raise FileNotFoundError(argv[0])


def test_without_git_nothing_happens(tmp_path: Path) -> None:
    assert not git.intend_to_add(tmp_path, ["flake.nix"], absent)
    assert git.place(tmp_path, absent) is None
    assert git.unknown(tmp_path, ["flake.nix"], absent) == []


def test_where_a_folder_is(tmp_path: Path) -> None:
    assert git.place(tmp_path) is None
    run(["git", "init", "-q", str(tmp_path)])
    inner = tmp_path / "a b" / "ü"
    inner.mkdir(parents=True)
    assert git.place(tmp_path) == git.Place(str(tmp_path), "")
    assert git.place(inner) == git.Place(str(tmp_path), "a b/ü")
    odd = tmp_path / "line\nbreak"
    odd.mkdir()
    assert git.place(odd) is None


def test_another_repository_that_a_hook_works_on_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        run(["git", "init", "-q", str(folder)])
        (folder / "file").touch()
    monkeypatch.setenv("GIT_DIR", str(two / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(two / ".git" / "index"))
    assert git.place(one) == git.Place(str(one), "")
    assert git.intend_to_add(one, ["file"])
    assert git.unknown(one, ["file"]) == []
    assert git.unknown(two, ["file"]) == ["file"]


def test_files_that_git_does_not_know(tmp_path: Path) -> None:
    run(["git", "init", "-q", str(tmp_path)])
    project = tmp_path / "inner"
    names = ["flake.nix", "nix/a.nix", "nix/ü\n.nix", "nix/__pycache__/a.pyc", "nix/b.log", "other"]
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    (project / ".gitignore").write_text("*.log\n")
    run(["git", "add", "flake.nix"], cwd=project)
    found = git.unknown(project, ["flake.nix", "nix", "absent"])
    assert sorted(found) == ["nix/a.nix", "nix/b.log", "nix/ü\n.nix"]
    assert git.intend_to_add(project, found)
    assert git.unknown(project, ["nix"]) == []


def test_whether_a_remote_has_a_commit(tmp_path: Path) -> None:
    def said(folder: Path, *words: str) -> str:
        done = run(["git", "-c", "user.name=n", "-c", "user.email=e", *words], cwd=folder)
        assert done.status == 0, done.stderr
        return done.stdout.decode().strip()

    origin, clone = tmp_path / "origin", tmp_path / "clone"
    said(tmp_path, "init", "-q", str(origin))
    said(origin, "commit", "--allow-empty", "-qm", "first")
    first = said(origin, "rev-parse", "HEAD")
    assert git.shared(origin, first) is False
    said(tmp_path, "clone", "-q", str(origin), str(clone))
    said(clone, "commit", "--allow-empty", "-qm", "second")
    assert git.shared(clone, first) is True
    assert git.shared(clone, said(clone, "rev-parse", "HEAD")) is False
    assert git.shared(clone, "0" * 40) is None
    assert git.shared(tmp_path, first) is None
    assert git.shared(clone, first, absent) is None

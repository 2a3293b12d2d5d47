"""git learns of new files where there is a work tree; elsewhere nothing happens."""

from collections.abc import Mapping, Sequence
from pathlib import Path

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


def test_without_git_nothing_happens(tmp_path: Path) -> None:
    def absent(
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        raise FileNotFoundError(argv[0])

    assert not git.intend_to_add(tmp_path, ["flake.nix"], absent)

"""Only what the flake reads is staged, with its links and modes, and nothing stays behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nixrepro.realise import read_by_flake, realise
from nixrepro.staging import staged

from .store import Store, make_project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def files(folder: Path) -> set[str]:
    """What lies below a folder, links as what they name."""
    return {
        f"{path.relative_to(folder)}" + (f" -> {os.readlink(path)}" if path.is_symlink() else "")
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


FLAKE = {
    "flake.nix",
    "flake.lock",
    "nixrepro.lock",
    "pyproject.toml",
    "nix/default.nix",
    "nix/build/cc.py",
    "code/runtime/boot.py",
}


def test_what_the_flake_names_and_no_more(root: Path) -> None:
    (root / "data").mkdir()
    (root / "data" / "large").touch()
    (root / "nix" / "__pycache__").mkdir()
    (root / "nix" / "__pycache__" / "cc.pyc").touch()
    (root / "nix" / "build" / "cc.py").chmod(0o755)
    with staged(root, read_by_flake(root)) as folder:
        assert files(folder) == FLAKE
        assert (folder / "nix/build/cc.py").stat().st_mode & 0o777 == 0o755
        assert (folder / "nix/default.nix").read_bytes() == (root / "nix/default.nix").read_bytes()
    assert not folder.exists()


def test_links_stay_links_and_bring_what_they_name(root: Path) -> None:
    (root / "locks").mkdir()
    (root / "nixrepro.lock").rename(root / "locks" / "cpu.lock")
    (root / "locks" / "gpu.lock").touch()
    (root / "nixrepro.lock").symlink_to("locks/cpu.lock")
    (root / "nix").rename(root / "vendored")
    (root / "nix").symlink_to("vendored")
    (root / "nix" / "up").symlink_to("../pyproject.toml")
    (root / "nix" / "round").symlink_to("round")
    (root / "nix" / "out").symlink_to("../../elsewhere")
    (root / "nix" / "far").symlink_to("/etc")
    with staged(root, read_by_flake(root)) as folder:
        assert files(folder) == {
            *(name for name in FLAKE if not name.startswith("nix")),
            "nixrepro.lock -> locks/cpu.lock",
            "locks/cpu.lock",
            "nix -> vendored",
            "vendored/default.nix",
            "vendored/build/cc.py",
            "vendored/up -> ../pyproject.toml",
            "vendored/round -> round",
            "vendored/out -> ../../elsewhere",
            "vendored/far -> /etc",
        }
        assert (folder / "nix" / "default.nix").is_file()


def test_a_path_through_a_link_comes_along(root: Path) -> None:
    (root / "code").rename(root / "source")
    (root / "code").symlink_to("source")
    (root / "source" / "large").touch()
    with staged(root, read_by_flake(root)) as folder:
        found = files(folder)
        assert {"code -> source", "source/runtime/boot.py"} <= found
        assert "source/large" not in found


def test_what_a_killed_one_left_is_gone(root: Path) -> None:
    left = root / ".nixrepro" / "flake" / "old"
    left.mkdir(parents=True)
    with staged(root, read_by_flake(root)) as folder:
        assert not (folder / "old").exists()


@pytest.mark.parametrize("git", [True, False])
def test_nix_reads_the_staged_files_only_outside_git(
    root: Path, tmp_path: Path, git: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    class Seen(Store):
        def __call__(self, argv, *, cwd=None, **rest):  # type: ignore[no-untyped-def]
            if "print-dev-env" in argv:
                assert cwd is not None
                read.append((argv[-1], cwd, files(cwd)))
            return super().__call__(argv, cwd=cwd, **rest)

    store = Seen(tmp_path / "store")
    if git:
        store.nix.runner(["git", "init", "-q"], cwd=root)
    realise(root, store.nix, lambda: None, lambda: None)
    ((reference, folder, seen),) = read
    if git:
        assert (reference, folder) == (f"git+file://{root}#default", root)
    else:
        assert (reference, seen) == ("path:.#default", FLAKE)
        assert not folder.exists()

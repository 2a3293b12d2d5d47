"""`init` makes a project whole or not at all, and harms nothing that is there."""

import errno
import os
import tomllib
from pathlib import Path

import pytest

from nixrepro import config, vendor
from nixrepro.errors import ConfigError
from nixrepro.process import run


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git/" not in str(path.relative_to(folder))
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "My Project"
    folder.mkdir()
    return folder


def test_an_empty_folder_becomes_a_project(project: Path) -> None:
    said = vendor.initialise(project)
    got = config.load(project)
    assert got.wheels.requirements == ()
    assert got.base.packages == ("gcc", "g++", "make", "git")
    assert tomllib.loads((project / "pyproject.toml").read_text())["project"]["name"]
    assert (project / "flake.nix").read_text() == vendor.template("flake.nix")
    assert (project / ".gitignore").read_text() == ".nixrepro/\nresult\nresult-*\n"
    names = [line.partition(":")[0] for line in said]
    assert names == ["pyproject.toml", "flake.nix", "nix", ".gitignore"]


@pytest.mark.parametrize(
    ("text", "files", "found"),
    [
        ("", ["requirements.txt"], "requirements.txt"),
        ("", ["requirements.txt", "poetry.lock", "Dockerfile"], "requirements.txt"),
        ("", ["environment.yml", "Dockerfile"], ""),
        ('[project]\nname = "x"\ndependencies = ["numpy"]\n', ["requirements.txt"], ""),
        ('[project]\r\ndependencies = ["numpy"]\r\n', ["uv.lock"], "uv.lock"),
    ],
)
def test_the_file_of_another_tool_is_proposed(
    project: Path, text: str, files: list[str], found: str
) -> None:
    if text:
        (project / "pyproject.toml").write_bytes(text.encode())
    for name in files:
        (project / name).touch()
    said = vendor.initialise(project)
    written = (project / "pyproject.toml").read_bytes().decode()
    table = tomllib.loads(written)["tool"]["nixrepro"]["wheels"]
    assert table == {"project": True, **({"from": found} if found else {})}
    lines = [line for line in said if "taken" in line]
    assert [line.partition(":")[0] for line in lines] == ([found] if found else [])
    others = {name for name in files if name in ("environment.yml", "Dockerfile")}
    assert {
        name for name in others if any(f"`nixrepro import {name}`" in each for each in said)
    } == (others)


def test_the_library_is_vendored_whole_with_the_runtime_and_its_modes(project: Path) -> None:
    vendor.initialise(project)
    source = vendor.library()
    for path in source.rglob("*"):
        place = project / "nix" / path.relative_to(source)
        if path.is_file() and path.suffix != ".pyc":
            assert place.read_bytes() == path.read_bytes()
            assert place.stat().st_mode & 0o111 == path.stat().st_mode & 0o111
    assert (project / "nix" / "seed" / "busybox").stat().st_mode & 0o100
    assert (project / "nix" / "runtime" / "__init__.py").is_file()
    assert not list((project / "nix").rglob("__pycache__"))


def test_the_flake_is_short_and_pins_what_flake_lock_pins() -> None:
    text = vendor.template("flake.nix")
    assert len(text.splitlines()) <= 40
    assert 'nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05"' in text


@pytest.mark.parametrize(
    "text",
    [
        '# mine\n[project]\nname = "x"\ndependencies = ["numpy"]\n\n[tool.black]\nx = 9\n',
        '[project]\nname = "x"\ndependencies = ["numpy"]',
        '[project]\r\nname = "x"\r\ndependencies = ["numpy"]\r\n',
        '[project]\nname = "x"\ndependencies = ["numpy"]\n[tool]\nother.x = 1\n',
    ],
)
def test_what_a_pyproject_holds_stays_byte_for_byte(project: Path, text: str) -> None:
    path = project / "pyproject.toml"
    path.write_bytes(text.encode())
    vendor.initialise(project)
    assert path.read_bytes().startswith(text.encode())
    if "\r\n" in text:
        assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")
    assert config.load(project).wheels.requirements == ("numpy",)


def test_what_gitignore_holds_stays_and_only_what_lacks_is_added(project: Path) -> None:
    (project / ".gitignore").write_text("*.log\nresult")
    vendor.initialise(project)
    assert (project / ".gitignore").read_text() == "*.log\nresult\n.nixrepro/\nresult-*\n"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("pyproject.toml", "[tool.nixrepro]\n", "already"),
        ("pyproject.toml", "[tool]\nnixrepro = {}\n", "already"),
        ("pyproject.toml", "[tool\n", "not valid TOML"),
        ("pyproject.toml", "tool = { x = 1 }\n", "can't add a table"),
        ("pyproject.toml", '[project]\ndependencies = "numpy"\n', "can't add a table"),
        ("flake.nix", "{ }\n", "already"),
        ("nix/mine.nix", "{ }\n", "already"),
    ],
)
def test_what_is_in_the_way_is_named_and_nothing_is_written(
    project: Path, name: str, text: str, said: str
) -> None:
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text(text)
    with pytest.raises(ConfigError, match=said) as caught:
        vendor.initialise(project)
    assert caught.value.hint
    assert snapshot(project) == {name: text.encode()}


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        vendor.initialise(tmp_path / "absent")


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_full_disk_at_any_file_takes_everything_back(
    project: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    before = {"pyproject.toml": b'[project]\nname = "x"\n', ".gitignore": b"*.log\n"}
    for name, data in before.items():
        (project / name).write_bytes(data)
    calls = 0
    real = os.fsync

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        vendor.initialise(project)
    assert snapshot(project) == before
    assert sorted(os.listdir(project)) == sorted(before)


def test_a_full_disk_while_the_library_is_copied_takes_everything_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.initialise(project)
    (project / "nix" / "debian.nix").write_text("old")
    (project / "flake.nix").write_text("old")
    before = snapshot(project)
    real = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self.name == ".nix.new":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        vendor.refresh(project)
    assert snapshot(project) == before


def test_refreshing_renews_the_library_and_the_flake_and_nothing_else(project: Path) -> None:
    vendor.initialise(project)
    new = snapshot(project)
    assert vendor.refresh(project) == []
    (project / "pyproject.toml").write_text("[tool.nixrepro]\n# mine\n")
    (project / ".gitignore").write_text("")
    (project / "flake.nix").write_text("{ mine = 1; }\n")
    (project / "nix" / "debian.nix").write_text("old")
    (project / "nix" / "mine.nix").write_text("mine")
    said = vendor.refresh(project)
    assert [line.partition(":")[0] for line in said] == ["flake.nix.old", "flake.nix", "nix"]
    assert snapshot(project) == new | {
        "pyproject.toml": b"[tool.nixrepro]\n# mine\n",
        ".gitignore": b"",
        "flake.nix.old": b"{ mine = 1; }\n",
        "nix/mine.nix": b"mine",
    }


def test_a_refresh_that_was_killed_between_two_renames_is_mended(project: Path) -> None:
    vendor.initialise(project)
    (project / "nix" / "mine.nix").write_text("mine")
    whole = snapshot(project)
    (project / "nix").rename(project / ".nix.old")
    (project / ".nix.new").mkdir()
    vendor.refresh(project)
    assert snapshot(project) == whole


def test_git_knows_the_new_files(project: Path) -> None:
    run(["git", "init", "-q", str(project)])
    said = vendor.initialise(project)
    assert said[-1].startswith("git:")
    status = run(["git", "status", "--porcelain"], cwd=project).stdout.decode().splitlines()
    assert {line[:2] for line in status} == {" A"}
    assert {"flake.nix", "nix/lock.nix", "nix/seed/busybox"} <= {line[3:] for line in status}

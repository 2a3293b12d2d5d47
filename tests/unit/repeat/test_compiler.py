"""The virtual CPU of a tree whose lock has no gcc."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nixrepro.errors import BuildError
from nixrepro.lock import Lock, dumps
from nixrepro.nix import Nix
from nixrepro.repeat import compiler, virtual

from ..explain.conftest import deb, lock, wheel

PORTABLE = {"profile": "portable", "cpu": "x86-64-v3", "threads": 4}
OTHER = dumps(lock(deb("gcc", "12", "1"), wheel("six", "1.0", "2")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "nixrepro.lock").write_text("its own")
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    return tmp_path


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which outputs were built, with which lock."""
    asked: list[tuple[str, str]] = []

    def build(_: Nix, project: Path, output: str) -> str:
        asked.append((output, (project / "nixrepro.lock").read_text()))
        return f"/nix/store/{output}"

    monkeypatch.setattr(Nix, "build", build)
    monkeypatch.setattr(Nix, "add_root", lambda *_: None)
    return asked


def test_it_is_built_with_the_other_lock_and_the_tree_keeps_its_own(
    project: Path, builds: list[tuple[str, str]]
) -> None:
    words = virtual.start(project, ("a line",), project, Nix(), OTHER)
    # A list of places is of another closure: it looks for them itself.
    assert words[:3] == ["/nix/store/vcpu/bin/vcpu", "--table", str(project / "recorded.cpu")]
    assert builds == [("vcpu", OTHER)]
    assert (project / "nixrepro.lock").read_text() == "its own"
    found = virtual.numerics(project, PORTABLE, {}, Nix(), OTHER)
    assert (found["vcpu"], found["sites"]) == ("/nix/store/vcpu/bin/vcpu", "")


def test_what_its_compiler_is_made_of_is_fetched_where_it_is_gone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[Lock] = []

    def build(*_: Any) -> str:
        if not brought:
            raise BuildError("gcc_12_amd64.deb is not in the store")
        return "/nix/store/vcpu"

    monkeypatch.setattr(Nix, "build", build)
    monkeypatch.setattr(compiler, "bring", lambda config, lock, nix: brought.append(lock))
    assert compiler.vcpu(project, OTHER, Nix()) == "/nix/store/vcpu"
    (lock,) = brought
    assert [each.name for each in lock.artefacts] == ["gcc"]


@pytest.mark.parametrize("error", [BuildError, KeyboardInterrupt])
def test_the_tree_has_its_own_lock_again_whatever_happens(
    project: Path, monkeypatch: pytest.MonkeyPatch, error: Callable[[str], BaseException]
) -> None:
    def build(*_: Any) -> str:
        raise error("no")

    monkeypatch.setattr(Nix, "build", build)
    monkeypatch.setattr(compiler, "bring", lambda *_: None)
    with pytest.raises((BuildError, KeyboardInterrupt)):
        compiler.vcpu(project, OTHER, Nix())
    assert (project / "nixrepro.lock").read_text() == "its own"

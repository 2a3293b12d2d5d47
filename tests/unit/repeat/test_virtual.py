"""The CPU and the number of processors of a repetition."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nixrepro.errors import BuildError, RunError
from nixrepro.nix import Nix
from nixrepro.repeat import virtual

PORTABLE = {"profile": "portable", "cpu": "x86-64-v3", "threads": 4}


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was kept from the garbage collector."""
    kept: list[str] = []
    monkeypatch.setattr(Nix, "build", lambda _, __, output: f"/nix/store/{output}")
    monkeypatch.setattr(Nix, "add_root", lambda _, link, path: kept.append(f"{link.name} {path}"))
    return kept


def test_a_table_is_laid_before_the_supervisor(tmp_path: Path, built: list[str]) -> None:
    assert virtual.start(tmp_path, (), tmp_path, Nix()) == []
    assert built == []
    words = virtual.start(tmp_path, ("one", "two"), tmp_path, Nix())
    file = tmp_path / "recorded.cpu"
    assert words == [
        "/nix/store/vcpu/bin/vcpu", "--sites", "/nix/store/sites", "--table", str(file), "--",
    ]  # fmt: skip
    assert file.read_text() == "one\ntwo\n"
    assert built == ["vcpu /nix/store/vcpu", "sites /nix/store/sites"]


def test_a_library_without_a_virtual_cpu_and_one_that_can_not_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> str:
        raise BuildError("no gcc")

    monkeypatch.setattr(Nix, "build", fails)
    (tmp_path / "nix").mkdir()
    with pytest.raises(RunError, match="has no virtual CPU yet"):
        virtual.start(tmp_path, ("one",), tmp_path, Nix())
    (tmp_path / "nix" / "vcpu.nix").touch()
    with pytest.raises(RunError, match="can't be built: no gcc"):
        virtual.start(tmp_path, ("one",), tmp_path, Nix())


def test_a_profile_as_it_was_stated(tmp_path: Path, built: list[str]) -> None:
    given = {**PORTABLE, "vcpu": "/nix/store/own/bin/vcpu", "sites": "/nix/store/own-sites"}
    # The tree's own, where it says the same; where its record says it lay does not matter.
    assert virtual.numerics(tmp_path, {**PORTABLE, "vcpu": "/x"}, given, Nix()) == given
    assert built == []
    assert virtual.numerics(tmp_path, {}, {"profile": "native"}, Nix()) == {"profile": "native"}
    assert virtual.numerics(tmp_path, {"threads": 2}, given, Nix()) == {
        "profile": "native",
        "threads": 2,
    }
    assert virtual.numerics(tmp_path, PORTABLE, {}, Nix()) == {
        **PORTABLE,
        "vcpu": "/nix/store/vcpu/bin/vcpu",
        "sites": "/nix/store/sites",
    }


def test_a_table_of_the_project(tmp_path: Path, built: list[str]) -> None:
    wanted = {**PORTABLE, "cpu": "cpus/lab.cpu"}
    with pytest.raises(RunError, match=r"the table cpus/lab.cpu of its CPU is not in"):
        virtual.numerics(tmp_path, wanted, {}, Nix())
    file = tmp_path / "project" / "cpus" / "lab.cpu"
    file.parent.mkdir(parents=True)
    file.touch()
    made = virtual.numerics(tmp_path / "project", wanted, {}, Nix())
    assert made["table"] == str(file)
    outside = {**PORTABLE, "cpu": "../secret.cpu"}
    (tmp_path / "secret.cpu").touch()
    with pytest.raises(RunError, match="is not in the project"):
        virtual.numerics(tmp_path / "project", outside, {}, Nix())


def test_processors_are_taken_away_for_a_while_only() -> None:
    whole = os.sched_getaffinity(0)
    with virtual.processors(1):
        assert len(os.sched_getaffinity(0)) == 1
    with virtual.processors(0):
        assert os.sched_getaffinity(0) == whole
    with pytest.raises(ZeroDivisionError), virtual.processors(1):
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == whole
    with pytest.raises(RunError, match="processors were used then"), virtual.processors(10**6):
        pass

"""Facts as they are found: in a made-up root, with a real git and what a real Nix said."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from nixrepro import vendor
from nixrepro.config import find_root
from nixrepro.doctor import gather, machine, project, sources
from nixrepro.doctor.gather import _place, nix_facts
from nixrepro.nix_settings import Settings
from nixrepro.process import Completed

from ..runtime.repositories import call, repository
from ..test_nix_settings import NOBODY, PING, RECORDED, Nix

VERSION = Completed(0, b"nix (Nix) 2.8.0\n", "")


def absent(*_: Any, **__: Any) -> Completed:
    raise FileNotFoundError("nix")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A project just made, committed."""
    folder = tmp_path / "project"
    folder.mkdir()
    vendor.initialise(folder)
    call(folder, "init", "-q")
    call(folder, "add", ".")
    call(folder, "commit", "-qm", "first")
    return folder


def facts(root: Path) -> Any:
    return project.facts(root, project.configured(root), os.environ)


def test_a_nix_that_answers(tmp_path: Path) -> None:
    config = Completed(0, (RECORDED / "show-config.stdout").read_bytes(), "")
    asked = Nix(version=VERSION, store_ping=PING, showconfig=config)
    found = nix_facts(Settings(asked), tmp_path)
    assert (found.version, found.store, found.problem) == ((2, 8, 0), "local", "")
    assert found.settings["build-users-group"] == "nixbld"
    assert found.systemd is False
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert nix_facts(Settings(asked), tmp_path).systemd is True


def test_a_store_that_refuses_and_no_nix_at_all(tmp_path: Path, monkeypatch: Any) -> None:
    asked = Nix(version=VERSION, store=NOBODY)
    found = nix_facts(Settings(asked), tmp_path)
    assert found.version and not found.store
    assert found.store_problem.startswith("cannot connect to socket")
    monkeypatch.setattr("nixrepro.nix._ELSEWHERE", str(tmp_path))
    found = nix_facts(Settings(absent), tmp_path)
    assert (found.version, found.problem) == ((), "Nix is not installed")


def test_the_machine(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text('ID=debian\nPRETTY_NAME="Some Linux 1"\n\n')
    (tmp_path / "proc/sys/kernel/yama").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/yama/ptrace_scope").write_text("1\n")
    found = machine.system(tmp_path)
    assert (found.name, found.debian) == ("Some Linux 1", False)
    assert found.settings == {"kernel.yama.ptrace_scope": "1"}
    assert found.kernel == f"Linux {os.uname().release}"
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/apt-get").touch()
    (tmp_path / "etc/os-release").unlink()
    found = machine.system(tmp_path)
    assert (found.name, found.debian) == ("a system without a name", True)


def test_a_call_is_tried_in_a_process_of_its_own() -> None:
    def refused() -> int:
        ctypes.set_errno(errno.EPERM)
        return -1

    assert machine.tried(lambda: 0) == ""
    assert machine.tried(refused) == os.strerror(errno.EPERM)
    assert machine.tried(lambda: -1) == machine.tried(lambda: 1 // 0) == "it failed"


def test_programs() -> None:
    from nixrepro.process import run

    assert machine.git_version(run)[0].isdigit()
    assert machine.git_version(absent) == ""
    assert machine.uv_version(run)[0].isdigit()
    assert machine.uv_version(absent) == ""
    assert machine.members("no-such-group") is None
    assert machine.user().root == (os.geteuid() == 0)


def test_a_project_that_was_just_made(made: Path) -> None:
    found = facts(made)
    assert (found.root, found.problem, found.library) == (str(made), "", ())
    assert (found.absent, found.own, found.code, found.runs) == (False, False, (), 0)
    assert "there is no nixrepro.lock yet" in found.lock
    assert project.find(made / "nix") == made and project.find(made.parent) is None


def test_a_library_of_another_version(made: Path) -> None:
    (made / "nix/default.nix").write_text("another")
    (made / "nix/runtime/git.py").unlink()
    (made / "flake.nix").write_text("another")
    assert facts(made).library == ("nix/default.nix", "nix/runtime/git.py", "flake.nix")
    shutil.rmtree(made / "nix")
    assert facts(made).absent is True


def test_this_project_is_where_the_library_comes_from() -> None:
    root = find_root(Path(vendor.__file__).parent)
    assert list(project.library(root)) == []
    config = project.configured(root)
    assert config is not None
    said, artefacts = project.lock(config)
    assert said == "" and artefacts > 100


def test_a_configuration_that_can_not_be_read(made: Path) -> None:
    with open(made / "pyproject.toml", "a") as stream:
        stream.write("\n[tool.nixrepro.trian]\n")
    found = facts(made)
    assert "trian" in found.problem and found.fix
    assert project.configured(made) is None and found.lock == ""


def test_without_uv_it_says_how_to_get_it(tmp_path: Path, monkeypatch: Any) -> None:
    def load(*_: Any) -> None:
        raise ImportError

    monkeypatch.setattr("nixrepro.registries.python.load", load)
    found = [each for each in sources.servers(tmp_path, None, {}, network=False) if each.problem]
    assert ("index", "pip install uv") in [(each.name, each.fix[-14:]) for each in found]


def test_a_place_that_can_not_be_looked_at(tmp_path: Path) -> None:
    found = _place("cache", tmp_path / ("x" * 300) / "cache", True)
    assert (found.path, found.writable) == (str(tmp_path), True)


def test_records_that_can_not_be_read(made: Path) -> None:
    runs = made / ".nixrepro" / "runs"
    for name in ("0123456789abcdef", "fedcba9876543210"):
        (runs / name).mkdir(parents=True)
    (runs / "fedcba9876543210" / "record.json").write_text("{}")
    (runs / "index.jsonl").touch()
    assert facts(made).broken == (
        ".nixrepro/runs/0123456789abcdef",
        ".nixrepro/runs/fedcba9876543210",
    )


def test_code_that_git_can_not_bring_back(made: Path) -> None:
    (made / "data.csv").write_bytes(b"1" * 5_000_001)
    assert facts(made).code == ("recorded by digest alone: data.csv",)
    shutil.rmtree(made / ".git")
    (why,) = facts(made).code
    assert "no Git repository" in why


def test_sources_are_named_without_secrets_and_not_asked(tmp_path: Path) -> None:
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "NIXREPRO_DEBIAN_MIRROR": "http://user:s3cr3t@mirror.example/debian",
        "UV_DEFAULT_INDEX": "https://user:s3cr3t@pypi.example/simple",
    }
    found = {each.name: each for each in sources.servers(tmp_path, None, environ, network=False)}
    assert found["mirror"].url == "http://mirror.example/debian"
    assert found["security mirror"].url == "http://mirror.example/debian-security"
    assert "https://pypi.example/simple" in {each.url for each in found.values()}
    assert "s3cr3t" not in repr(found)
    assert all(each.seconds is None and not each.problem for each in found.values())


def test_sources_that_are_asked(tmp_path: Path, server: Any) -> None:
    server.files = {"/debian/dists/bookworm/InRelease": b"x", "/simple/wheel/": b"x"}
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "NIXREPRO_DEBIAN_MIRROR": f"{server.url}/debian",
        "UV_DEFAULT_INDEX": f"{server.url}/simple",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
    }
    found = {each.name: each for each in sources.servers(tmp_path, None, environ, network=True)}
    assert found["mirror"].seconds is not None and not found["mirror"].problem
    assert found["index"].seconds is not None
    assert "404" in found["security mirror"].problem and found["security mirror"].fix


@pytest.mark.parametrize("there", [True, False])
def test_an_index_that_lacks_what_is_asked_for_answers(
    tmp_path: Path, server: Any, there: bool
) -> None:
    (tmp_path / "simple").mkdir()
    local = tmp_path / ("simple" if there else "absent")
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "NIXREPRO_DEBIAN_MIRROR": server.url,
        "UV_DEFAULT_INDEX": f"{server.url}/simple",
        "UV_INDEX": f"file://{local}",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
    }
    found = {each.url: each for each in sources.servers(tmp_path, None, environ, network=True)}
    assert found[f"{server.url}/simple"].problem == ""
    assert (found[f"file://{local}"].problem == "") == there


def test_all_of_it_outside_of_a_project_and_without_nix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nixrepro.nix._ELSEWHERE", str(tmp_path))
    found = gather(tmp_path, os.environ, runner=absent)
    assert (found.nix.version, found.project.root) == ((), "")
    assert found.tools == {"git": "", "uv": ""}
    assert {place.name for place in found.places} == {"store", "cache", "temporary"}
    assert isinstance(found.keys, int) and found.keys > 3
    before = sorted(repository(tmp_path / "x", a="").rglob("*"))
    gather(tmp_path / "x", os.environ, runner=absent)
    assert sorted((tmp_path / "x").rglob("*")) == before

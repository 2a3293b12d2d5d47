"""A session's variables: the person's own few, the environment's, and what the project states."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nixrepro import shell as module
from nixrepro.realise import Environment, realise
from nixrepro.shell import start, variables

from .store import Store, make_project


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    root = make_project(tmp_path / "project")
    return realise(root, Store(tmp_path / "store").nix, lambda: None, lambda: None)


def test_who_is_asked_first(environment: Environment) -> None:
    host = {"HOME": "/home/a", "TERM": "xterm", "TMPDIR": "/scratch", "LD_PRELOAD": "/x.so"}
    host |= {"PATH": "/bin", "PYTHONPATH": "/lib", "LANG": "fr_FR.UTF-8", "TOKEN": "x"}
    found = variables(environment, host)
    assert found == {
        **environment.variables,
        "HOME": "/home/a",
        "TERM": "xterm",
        "TMPDIR": "/scratch",
        "TZ": "UTC",  # only the facts have it
        "LANG": "de_DE.UTF-8",  # the project states it
        "NIXREPRO_DATA": environment.settings,
    }
    assert found["PATH"].startswith(environment.path)
    assert environment.path == found["NIXREPRO_ROOT"]


def test_bash_is_the_closures_and_reads_only_its_prompt(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    became = []

    def replace(argv: list[str], env: dict[str, str]) -> None:
        became.append((argv, env))

    monkeypatch.setattr(module, "replace", replace)
    monkeypatch.setenv("LD_PRELOAD", "/x.so")
    start(environment)
    ((argv, env),) = became
    assert argv[0] == env["SHELL"] == f"{environment.system}/bin/bash"
    assert argv[1:3] == ["--noprofile", "--rcfile"]
    assert argv[4:] == ["-i"]
    text = Path(argv[3]).read_text()
    file = int(Path(argv[3]).name)
    assert os.get_inheritable(file)
    os.close(file)
    assert "(nixrepro)" in text
    assert f"exec {file}<&-" in text
    assert "LD_PRELOAD" not in env

"""What starts a run: the closure's own supervisor, and nothing of the host that steers it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nixrepro import run as module
from nixrepro.realise import Environment
from nixrepro.run import command, start, without
from nixrepro.runtime.launch import parse

ENVIRONMENT = Environment("/nix/store/e", "/nix/store/s", "/nix/store/f", "/nix/store/g", {})


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("words", [(), ("python", "-c", "x", "--"), ("--no-record", "--", "a b")])
def test_the_supervisor_understands_its_command_line(words: tuple[str, ...], record: bool) -> None:
    argv = command(ENVIRONMENT, Path("/a project"), words, record)
    assert argv[:4] == ["/nix/store/e/bin/python", "-I", "-m", "nixrepro_runtime.launch"]
    options = parse(argv[4:])
    assert (options.environment, options.settings) == ("/nix/store/f", "/nix/store/g")
    assert options.project == "/a project"
    assert options.record == record
    assert options.command == list(words)


def test_a_fingerprint_of_steps_is_asked_of_the_supervisor() -> None:
    argv = command(ENVIRONMENT, Path("/p"), ["true"], True, "steps:5")
    assert parse(argv[4:]).steps == 5
    assert parse(command(ENVIRONMENT, Path("/p"), ["true"], True)[4:]).steps == 0


def test_what_is_to_be_clean_or_quiet_is_asked_of_the_supervisor() -> None:
    options = parse(command(ENVIRONMENT, Path("/p"), ["true"], True, clean=True, quiet=True)[4:])
    assert (options.clean, options.quiet) == (True, True)
    options = parse(command(ENVIRONMENT, Path("/p"), ["true"], True)[4:])
    assert (options.clean, options.quiet) == (False, False)


def test_pinned_data_only_is_asked_of_the_supervisor() -> None:
    assert parse(command(ENVIRONMENT, Path("/p"), ["true"], True, data=True)[4:]).data
    assert not parse(command(ENVIRONMENT, Path("/p"), ["true"], True)[4:]).data


def test_what_steers_loaders_and_languages_is_left_out() -> None:
    steering = {
        "LD_PRELOAD", "LD_LIBRARY_PATH", "LC_ALL", "LANG", "LANGUAGE", "GLIBC_TUNABLES", "LOCPATH",
        "GCONV_PATH", "MALLOC_ARENA_MAX", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP",
    }  # fmt: skip
    kept = {"HOME": "/home/a", "PATH": "/bin", "TERM": "xterm", "MY_LD_": "1", "TOKEN": "x"}
    assert without({**kept, **dict.fromkeys(steering, "x")}) == kept


def test_this_process_becomes_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    became = []
    monkeypatch.setattr(module, "replace", lambda argv, env: became.append((argv, env)))
    monkeypatch.setenv("LD_PRELOAD", "/x.so")
    monkeypatch.setenv("TOKEN", "x")
    start(ENVIRONMENT, Path("/p"), ["true"], record=True)
    ((argv, env),) = became
    assert argv == command(ENVIRONMENT, Path("/p"), ["true"], True)
    assert env == without(os.environ)
    assert env["TOKEN"] == "x"
    assert "LD_PRELOAD" not in env

"""Errors are printed in one place with the right exit code, and a verb loads only what it needs."""

import errno
import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from nixrepro import __version__, cli, errors
from nixrepro.process import run

HEAVY = {"httpx", "rich", "pysequoia", "debian", "packaging", "hypothesis", "asyncio", "ssl"}
Main = Callable[..., tuple[int, str, str]]


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Main:
    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["nixrepro", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert type(caught.value.code) is not str
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Puts a function in the place of the verb `gc`."""

    def put(body: Any) -> None:
        command = click.Command("gc", callback=body)
        monkeypatch.setattr(cli.Verbs, "get_command", lambda *_: command)

    return put


def raising(error: BaseException) -> Any:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize("name", cli.VERBS)
def test_every_verb_is_there_under_its_name_with_a_line_of_help(name: str) -> None:
    command = importlib.import_module(f"nixrepro.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str()


def test_help_lists_the_verbs_and_version_the_version(main: Main) -> None:
    code, out, _ = main("--help")
    assert code == 0
    assert all(f"\n  {name} " in out for name in cli.VERBS)
    assert main("--version")[:2] == (0, f"nixrepro {__version__}\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError, 2),
        (errors.LockError, 2),
        (errors.ResolveError, 2),
        (errors.NixError, 3),
        (errors.BuildError, 4),
        (errors.RunError, 5),
        (errors.FetchError, 6),
    ],
)
def test_an_error_is_printed_with_details_and_hint_and_its_code(
    main: Main, verb: Any, error: type[errors.NixreproError], code: int
) -> None:
    verb(raising(error("what happened", hint="do this", details="line 1\nline 2\n")))
    expected = "error: what happened\nline 1\nline 2\nhint: do this\n"
    assert main("gc") == (code, "", expected)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "make room on that disk"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "writable for you"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_an_error_of_the_system_names_the_file_and_what_to_do(
    main: Main, verb: Any, number: int, said: str
) -> None:
    verb(raising(OSError(number, os.strerror(number), "/some/file")))
    code, out, err = main("gc")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: /some/file: {os.strerror(number)}\n")
    assert said in err


def test_the_code_that_a_verb_returns_is_the_exit_code(main: Main, verb: Any) -> None:
    for code in (0, 1, 141):
        verb(lambda code=code: code)
        assert main("gc")[0] == code
    verb(lambda: None)
    assert main("gc")[0] == 0


def test_an_interrupt_ends_without_a_traceback(main: Main, verb: Any) -> None:
    verb(raising(KeyboardInterrupt()))
    code, _, err = main("gc")
    assert code == 130
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lok"], "Did you mean 'lock'?"),
        (["data", "ad"], "Did you mean 'add'?"),
        (["--frobnicate"], "No such option"),
        (["lock", "--frobnicate"], "No such option"),
        (["lock", "numpy"], "lock --upgrade numpy"),
        (["lock", "--check", "--upgrade"], "--check"),
        (["lock", "--as-of", "yesterday"], "yesterday"),
        (["-C"], "requires an argument"),
    ],
)
def test_a_wrong_use_exits_2_and_says_what_was_wrong(
    main: Main, arguments: list[str], said: str
) -> None:
    code, out, err = main(*arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("verb_name", ["lock", "run"])
def test_a_project_that_is_not_there_is_said(main: Main, tmp_path: Path, verb_name: str) -> None:
    code, _, err = main(
        "-C", str(tmp_path), verb_name, *(["--", "x"] if verb_name == "run" else [])
    )
    assert code == 2
    assert err.startswith("error: no pyproject.toml")
    assert "hint: run `nixrepro init`" in err


def test_a_reader_that_goes_away_is_not_called_an_error_or_a_difference(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    argv = [sys.executable, "-m", "nixrepro", "init"]
    done = subprocess.run(argv, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def imported(*arguments: str, cwd: Path) -> set[str]:
    argv = [sys.executable, "-X", "importtime", "-m", "nixrepro", *arguments]
    lines = run(argv, cwd=cwd).stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_the_command_line_alone_loads_no_verb_and_nothing_heavy(tmp_path: Path) -> None:
    names = imported("--version", cwd=tmp_path)
    assert "nixrepro.cli" in names
    assert not names & {f"nixrepro.cli.{verb}" for verb in cli.VERBS}
    assert not names & (HEAVY | {"tomli", "subprocess", "nixrepro.config", "nixrepro.lock"})


def test_checking_a_lock_loads_nothing_heavy_and_no_network(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    names = imported("lock", "--check", cwd=tmp_path)
    assert "nixrepro.lock.reader" in names
    assert not names & (HEAVY | {"socket", "subprocess", "nixrepro.http", "nixrepro.resolve"})

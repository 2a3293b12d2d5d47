"""What passes through a run: words, folders, bytes, signals, keys and exit status."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import Project, call, checked
from .session import PYTHON, Own, Terminal

BOTH = pytest.mark.parametrize("options", [(), ("--no-record",)], ids=["recorded", "unrecorded"])


@pytest.fixture(scope="module")
def own(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Own:
    """One realised project for all tests here."""
    found = Own.copied(tmp_path_factory.mktemp("passing") / "project")
    done = found("run", "--no-record", "--", "true")
    assert done.status == 0, done.err
    return found


@BOTH
def test_the_folder_that_it_was_started_in_stays(own: Own, options: tuple[str, ...]) -> None:
    inner = own.root / "some" / "folder"
    inner.mkdir(parents=True, exist_ok=True)
    done = own("run", *options, "--", "pwd", cwd=inner)
    assert (done.status, done.out) == (0, f"{inner}\n"), done.err
    assert not (inner / ".nixrepro").exists()


@BOTH
@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
        ("kill -SEGV $$", 139),
    ],
)
def test_the_exit_status_is_the_programs(
    own: Own, options: tuple[str, ...], script: str, status: int
) -> None:
    done = own("run", *options, "--", "sh", "-c", script)
    assert done.status == status
    assert "Traceback" not in done.err


@BOTH
def test_a_program_that_is_not_there(own: Own, options: tuple[str, ...]) -> None:
    done = own("run", *options, "--", "frobnicate")
    assert done.status == 127
    assert "frobnicate: there is no such program in the environment" in done.err


@BOTH
def test_megabytes_pass_both_ways(own: Own, options: tuple[str, ...]) -> None:
    data = os.urandom(1 << 16) * 80
    process = own.start("run", *options, "--", "tee", "/proc/self/fd/2", stdin=subprocess.PIPE)
    out, err = process.communicate(data)
    assert process.returncode == 0
    sent = hashlib.sha256(data).hexdigest()
    assert hashlib.sha256(out).hexdigest() == sent
    at = max(err.find(data[:64]), 0)  # behind what the supervisor had to say
    assert hashlib.sha256(err[at : at + len(data)]).hexdigest() == sent


@BOTH
def test_a_reader_that_has_seen_enough(own: Own, options: tuple[str, ...]) -> None:
    with own.start("run", *options, "--", "yes") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"y\n"
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 128 + signal.SIGPIPE


@BOTH
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1"])
def test_signals_reach_the_program(own: Own, options: tuple[str, ...], name: str) -> None:
    script = f"trap 'exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    process = own.start("run", *options, "--", "bash", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    process.communicate()
    assert process.returncode == 9


CATCH = (
    "import time\ntry: print('ready'); time.sleep(100)\nexcept KeyboardInterrupt: print('once')\n"
)


@BOTH
def test_control_c_reaches_the_program_once(own: Own, options: tuple[str, ...]) -> None:
    argv = [*PYTHON, "run", *options, "--", "python", "-u", "-c", CATCH]
    terminal = Terminal(argv, own.root, own.variables())
    terminal.wait("ready\r\n")
    terminal.press("\x03")
    terminal.wait("once\r\n")
    assert terminal.end() == 0
    assert "Traceback" not in terminal.shown


def test_control_c_ends_a_program_that_does_not_mind_it(own: Own) -> None:
    argv = [*PYTHON, "run", "--", "sh", "-c", "echo ready; exec sleep 100"]
    terminal = Terminal(argv, own.root, own.variables())
    terminal.wait("ready\r\n")
    terminal.press("\x03")
    assert terminal.end() == 128 + signal.SIGINT
    assert own.runs()[0]["status"] == "interrupted"


def test_a_program_sees_the_terminal(own: Own) -> None:
    script = "import os, sys; print([os.isatty(n) for n in range(3)]); print(input('name? ')[::-1])"
    argv = [*PYTHON, "run", "--", "python", "-c", script]
    terminal = Terminal(argv, own.root, own.variables())
    assert "[True, True, True]" in terminal.wait("name? ")
    terminal.press("abc\n")
    terminal.wait("cba\r\n")
    assert terminal.end() == 0


# --- a shell


def ask(terminal: Terminal, line: str) -> str:
    """What the shell answers to a line; the line itself is shown, too, and broken at a margin."""
    terminal.press(f"{line}; echo; echo E'n'D\n")
    shown = terminal.wait("\r\nEnD\r\n").removesuffix("\r\nEnD\r\n")
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", shown))[-1]


def test_a_shell(own: Own, environment: Path, tmp_path: Path) -> None:
    variables = own.variables(HOME=str(tmp_path), TERM="xterm-256color", LD_LIBRARY_PATH="/x")
    terminal = Terminal([*PYTHON, "shell"], own.root, variables)
    assert str(environment) in terminal.wait("exit` leaves")
    terminal.wait("(nixrepro) ")
    assert ask(terminal, "printf %s $(command -v python)") == f"{environment}/bin/python"
    assert ask(terminal, "printf %s $PWD") == str(own.root)
    assert ask(terminal, "printf %s $HOME:$TERM:$TZ") == f"{tmp_path}:xterm-256color:UTC"
    assert ask(terminal, "printf %s [$LD_LIBRARY_PATH$PYTHONPATH$TMPDIR]") == "[]"
    assert ask(terminal, "printf %s $(ls -l /proc/$$/fd | grep -c memfd)") == "0"
    assert ask(terminal, "python -c 'import random; print(random.random())'") == ask(
        terminal, "python -c 'import random; print(random.random())'"
    )
    terminal.wait("(nixrepro) ")
    terminal.press("sleep 100\n")
    terminal.wait("sleep 100\r\n")
    terminal.press("\x03")
    terminal.wait("(nixrepro) ")
    terminal.press("exit 5\n")
    assert terminal.end() == 5
    assert not list(tmp_path.iterdir())


# --- what is kept


def test_what_ran_is_kept_until_it_is_dropped(own: Own, environment: Path) -> None:
    roots = own.root / ".nixrepro" / "roots"
    assert own("run", "--", "true").status == 0
    link = roots / environment.name.split("-")[0]
    assert os.readlink(link) == str(environment)
    assert str(link) in checked(["nix-store", "--query", "--roots", environment])

    def kept() -> list[dict[str, object]]:
        done = own("gc", "--json")
        assert done.status == 0, done.err
        found: list[dict[str, object]] = json.loads(done.out)["kept"]
        return found

    (only,) = kept()
    assert only["current"] and only["runs"]
    assert own("gc", "--unused").err.startswith("0 dropped")
    # As if `nix run .#train` alone had made the records.
    for root in roots.iterdir():
        root.unlink()
    assert kept()[0]["environment"] == str(environment)
    assert str(link) in checked(["nix-store", "--query", "--roots", environment])
    done = own("gc", "--drop", link.name[:7])
    assert done.status == 0
    assert "1 dropped" in done.err
    assert kept() == []
    assert str(link) not in checked(["nix-store", "--query", "--roots", environment])
    done = own("gc", "--drop", link.name[:7])
    assert done.status == 2
    assert "no environment" in done.err
    assert own("run", "--no-record", "--", "true").status == 0
    assert kept()[0]["current"]


def test_the_app_of_the_flake_records_like_the_tool(
    project: Project, environment: Path, tmp_path: Path
) -> None:
    own = Own.copied(tmp_path / "project")
    file = own.root / "pyproject.toml"
    before = re.search(r"^command = .*$", file.read_text(), re.MULTILINE)
    assert before
    file.write_text(file.read_text().replace(before[0], """command = ["sh", "-c", "exit '$0'"]"""))
    app = Project(own.root).build("train")
    done = call([app, "a b"], own.root)
    assert done.status == 2, done.err
    (run,) = own.runs()
    assert run["command"] == ["sh", "-c", "exit '$0'", "a b"]
    assert run["status"] == "failed"
    (only,) = json.loads(own("gc", "--json").out)["kept"]
    assert only["environment"] == str(environment)

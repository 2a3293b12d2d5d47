"""Signals, terminals, kills and full disks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path
from typing import Any

import pytest

from nixrepro import record as records

from .conftest import Workshop, wait_for

TRAP = """
import os, signal, sys, time
def handle(number, frame):
    # Not print: the signal may come while print is at work.
    os.write(1, f"got {signal.Signals(number).name}\\n".encode())
    os._exit(9)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), handle)
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT"])
def test_signals_are_forwarded_once(workshop: Workshop, name: str) -> None:
    process = workshop.start("python", "-c", TRAP, name)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(getattr(signal, name))
    assert process.stdout.read() == f"got {name}\n"
    assert process.wait(20) == 9
    process.communicate()
    record = workshop.record()
    assert record["status"] == "failed"
    assert record["exit"]["received"] == [name]


def test_a_terminated_program_is_recorded_as_killed(workshop: Workshop) -> None:
    process = workshop.start("python", "-c", TRAP)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    record = workshop.record()
    assert record["status"] == "killed"
    assert record["exit"]["signal"] == "SIGTERM"
    assert "killed in" in err and "by SIGTERM" in err


def test_kill_9_of_the_supervisor(workshop: Workshop) -> None:
    code = (
        "import sys, os, time; sys.path.insert(0, os.environ['PYTHONPATH'])\n"
        "import nixrepro_runtime as nr\n"
        "nr.log(loss=0.25)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(60)"
    )
    process = workshop.start("python", "-c", code)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    record = workshop.record()
    assert record["status"] == "running"
    assert records.runs(workshop.project)[0].status == "running"
    process.kill()
    process.communicate()
    # Nobody records it or takes its output any more: the program ends too.
    wait_for(lambda: not _runs(pid))
    assert records.runs(workshop.project)[0].status == "interrupted"
    found = records.load(workshop.project).document
    assert found["status"] == "interrupted"
    assert found["result"]["final"] == {"loss": 0.25}


def test_a_pid_used_again_is_not_the_same_process(workshop: Workshop) -> None:
    workshop.run("true")
    process = dict(workshop.record()["process"])
    own = {**process, "pid": os.getpid()}
    assert not records.alive(own)
    text = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    assert records.alive({**own, "start": int(text[19])})
    assert not records.alive({**own, "start": int(text[19]), "boot": "another"})


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Terminal:
    """The supervisor as the foreground job of a terminal of its own."""

    def __init__(self, workshop: Workshop, *command: str, **more: Any) -> None:
        self.main, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))

        self.process = subprocess.Popen(
            ["setsid", "--ctty", *workshop.argv(*command)],
            cwd=workshop.project,
            env=workshop.variables(**more.get("variables", {})),
            stdin=inner,
            stdout=more.get("stdout", inner),
            stderr=more.get("stderr", inner),
        )
        os.close(inner)
        self.text = ""

    def until(self, text: str) -> None:
        wait_for(lambda: text in self.text or not self._more())
        assert text in self.text

    def rest(self) -> str:
        while self._more():
            pass
        self.process.wait(20)
        os.close(self.main)
        return self.text

    def _more(self) -> bool:
        try:
            block = os.read(self.main, 4096)
        except OSError as error:
            assert error.errno == errno.EIO
            return False
        self.text += block.decode()
        return bool(block)


SIZE = "import os, sys; print(os.get_terminal_size(1), sys.stdout.isatty(), sys.stderr.isatty())"


def test_a_terminal_stays_a_terminal(workshop: Workshop) -> None:
    terminal = Terminal(workshop, "python", "-c", SIZE)
    text = terminal.rest()
    assert "columns=77, lines=33) True True\r\n" in text
    (folder,) = workshop.folders()
    assert (folder / "log.txt").read_bytes().endswith(b"True True\n")


def test_only_standard_error_redirected(workshop: Workshop, tmp_path: Path) -> None:
    with (tmp_path / "err").open("wb") as stream:
        terminal = Terminal(workshop, "python", "-c", SIZE, stderr=stream)
        text = terminal.rest()
    assert "True False" in text
    assert "\nnixrepro: done" in (tmp_path / "err").read_text()


def test_ctrl_c_reaches_the_program_once(workshop: Workshop) -> None:
    code = (
        "import time\n"
        "print('ready', flush=True)\n"
        "try:\n"
        "    time.sleep(30)\n"
        "except KeyboardInterrupt:\n"
        "    time.sleep(0.3)\n"
        "    print('cleaned up', flush=True)\n"
        "    raise\n"
    )
    terminal = Terminal(workshop, "python", "-c", code)
    terminal.until("ready")
    os.write(terminal.main, b"\x03")
    text = terminal.rest()
    assert "cleaned up" in text
    assert terminal.process.returncode == 130
    record = workshop.record()
    assert (record["status"], record["exit"]["signal"]) == ("interrupted", "SIGINT")


def fake_git(folder: Path, body: str) -> str:
    """A PATH on which git is a script of ours, after it made the file `asked`."""
    place = folder / "bin"
    place.mkdir()
    (place / "git").write_text(f"#!/bin/sh\n: > '{folder}/asked'\n{body}\n")
    (place / "git").chmod(0o755)
    return f"{place}:/usr/bin:/bin"


@pytest.mark.parametrize("body", ["exec sleep 30", "trap '' INT; sleep 1"])
def test_ctrl_c_before_the_start_starts_nothing(
    workshop: Workshop, tmp_path: Path, body: str
) -> None:
    """Whether git heeds it, which then ends at once, or not."""
    path = fake_git(tmp_path, body)
    terminal = Terminal(workshop, "sh", "-c", "echo sta''rted", variables={"PATH": path})
    wait_for((tmp_path / "asked").exists)
    begun = time.monotonic()
    os.write(terminal.main, b"\x03")
    text = terminal.rest()
    assert time.monotonic() - begun < 10
    assert "started\r" not in text and "SIGINT came before" in text
    assert terminal.process.returncode == 130
    record = workshop.record()
    assert (record["status"], record["exit"]["signal"]) == ("interrupted", "SIGINT")
    assert record["exit"]["received"] == ["SIGINT"]


@pytest.mark.parametrize(("name", "runs"), [("SIGTERM", False), ("SIGWINCH", True)])
def test_other_signals_before_the_start(
    workshop: Workshop, tmp_path: Path, name: str, runs: bool
) -> None:
    path = fake_git(tmp_path, "sleep 1")
    argv = workshop.argv("sh", "-c", "echo started")
    process = subprocess.Popen(
        argv,
        cwd=workshop.project,
        env=workshop.variables(PATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for((tmp_path / "asked").exists)
    process.send_signal(getattr(signal, name))
    out, _ = process.communicate(timeout=20)
    assert (out == b"started\n") == runs
    assert process.returncode == (0 if runs else 128 + getattr(signal, name))
    assert workshop.record()["status"] == ("done" if runs else "killed")


def test_a_signal_that_is_ignored_before_the_start_stops_nothing(
    workshop: Workshop, tmp_path: Path
) -> None:
    path = fake_git(tmp_path, "sleep 1")
    process = subprocess.Popen(
        ["env", "--ignore-signal=HUP", *workshop.argv("sh", "-c", "echo started")],
        cwd=workshop.project,
        env=workshop.variables(PATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for((tmp_path / "asked").exists)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=20)
    assert (out, process.returncode) == (b"started\n", 0)


@pytest.mark.parametrize("options", [(), ("--no-record",)])
def test_a_caller_that_ignores_the_end_of_its_children(
    workshop: Workshop, options: tuple[str, ...]
) -> None:
    show = "grep SigIgn /proc/self/status; exit 3"
    done = subprocess.run(
        ["env", "--ignore-signal=CHLD", *workshop.argv("sh", "-c", show, options=options)],
        cwd=workshop.project,
        env=workshop.variables(),
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 3 and "Traceback" not in done.stderr
    ignored = int(done.stdout.split()[-1], 16)
    assert not ignored & (1 << (signal.SIGCHLD - 1))


def test_a_new_terminal_size_is_passed_on(workshop: Workshop) -> None:
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGWINCH, lambda *_: None)\n"
        "print('ready', flush=True)\n"
        "while os.get_terminal_size(1).columns != 101: signal.pause()\n"
        "print('resized', flush=True)\n"
    )
    terminal = Terminal(workshop, "python", "-c", code)
    terminal.until("ready")
    fcntl.ioctl(terminal.main, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 101, 0, 0))
    assert "resized" in terminal.rest()


def test_ctrl_z_stops_both_and_they_go_on(workshop: Workshop) -> None:
    code = "import time; print('ready', flush=True); time.sleep(0.5); print('over', flush=True)"
    terminal = Terminal(workshop, "python", "-c", code)
    terminal.until("ready")
    os.write(terminal.main, b"\x1a")
    pid = terminal.process.pid
    # Its group is orphaned here, in which the kernel ignores Ctrl-Z's signal: stop it as a shell
    # with job control sees it.
    os.killpg(pid, signal.SIGSTOP)
    wait_for(lambda: _state(pid) == "T")
    os.killpg(pid, signal.SIGCONT)
    assert "over" in terminal.rest()
    assert terminal.process.returncode == 0


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of its own, 3 MB in size."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_program_that_fills_the_disk_is_still_recorded(
    workshop: Workshop, small_disk: Path
) -> None:
    workshop.project = small_disk
    code = "import sys\nopen('big', 'wb').write(bytes(9_000_000))"
    done = workshop.run("python", "-c", code)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    record = workshop.record()
    assert record["status"] == "failed"
    assert record["files"]["log"].get("cut", "") in (
        "",
        "the log ends here: No space left on device",
    )
    assert [line.status for line in records.runs(small_disk)] == ["failed"]


def test_a_full_disk_at_the_start(workshop: Workshop, small_disk: Path) -> None:
    workshop.project = small_disk
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "big").write_bytes(bytes(9_000_000))
    done = workshop.run("sh", "-c", "echo started")
    assert done.returncode == 5
    assert done.stdout == ""
    assert "No space left" in done.stderr and "Nothing was started" in done.stderr
    assert workshop.run("sh", "-c", "echo started", options=("--no-record",)).stdout == "started\n"


def test_a_full_temporary_folder(workshop: Workshop, small_disk: Path) -> None:
    for words in (["init", "-q"], ["config", "user.name", "x"]):
        subprocess.run(["git", "-C", workshop.project, *words], check=True)
    (workshop.project / "train.py").write_text("print(1)\n")
    subprocess.run(["git", "-C", workshop.project, "add", "."], check=True)
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "big").write_bytes(bytes(9_000_000))
    workshop.temporary = small_disk
    done = workshop.run("sh", "-c", "echo started")
    assert (done.returncode, done.stdout) == (5, "")
    assert "No space left" in done.stderr and "TMPDIR" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in small_disk.iterdir()] == ["big"]


def test_a_read_only_project(workshop: Workshop, small_disk: Path) -> None:
    workshop.project = small_disk
    subprocess.run(["git", "-C", small_disk, "init", "-q"], check=True)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    done = workshop.run("sh", "-c", "echo started")
    assert done.returncode == 5
    assert "Read-only file system" in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_at_a_time(workshop: Workshop) -> None:
    running = [workshop.start("sh", "-c", f"echo {i}; exit {i}") for i in range(6)]
    codes = [process.wait(30) for process in running]
    for process in running:
        process.communicate()
    assert codes == list(range(6))
    assert len(records.runs(workshop.project)) == 6
    index = workshop.project / ".nixrepro" / "runs" / "index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines() if line]
    assert len(lines) == 12

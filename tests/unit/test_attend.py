"""A program run as a part of this one: what it says, what it is asked, and how it ends."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nixrepro.process import attend

# Counts the SIGINTs that it gets, for a while after the first.
COUNTS = (
    "import signal, sys, time; n = []; signal.signal(signal.SIGINT, lambda *_: n.append(1))\n"
    "print('begun', flush=True)\nwhile not n: time.sleep(0.01)\n"
    "end = time.time() + 0.5\nwhile time.time() < end: time.sleep(0.01)\n"
    "print('interrupts', len(n), flush=True)"
)
CALLS = (
    "import os, pathlib, sys\nfrom nixrepro.process import attend\n"
    "try:\n    attend([sys.executable, '-c', sys.argv[1]], cwd=pathlib.Path('/'),"
    " env=os.environ, show=True)\nexcept KeyboardInterrupt:\n    print('interrupted', flush=True)"
)


def python(code: str, show: bool = False) -> int:
    return attend([sys.executable, "-c", code], cwd=Path("/"), env=os.environ, show=show)


@pytest.mark.parametrize(
    ("code", "status"),
    [("", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)],
)
def test_its_status(code: str, status: int) -> None:
    assert python(code) == status


def test_output_goes_to_standard_error_or_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    sys_stderr = sys.stderr
    try:
        sys.stderr = sys.__stderr__ or sys_stderr
        python(code)
        assert capfd.readouterr() == ("", "")
        python(code, show=True)
        assert capfd.readouterr() == ("", "out\nerr\n")
    finally:
        sys.stderr = sys_stderr


def test_it_reads_nothing() -> None:
    assert python("import sys; assert sys.stdin.read() == ''") == 0


def test_a_program_that_is_not_there() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(FileNotFoundError):
        attend(["/nowhere/program"], cwd=Path("/"), env={})
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_from_elsewhere_reaches_it_once() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CALLS, COUNTS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stderr is not None and child.stderr.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (out, err) == ("interrupted\n", "interrupts 1\n")


# The program has long taken the first one when this one decides whether to send another.
SLOW = (
    "import time\nfrom nixrepro import process\ntyped = process._typed\n"
    "process._typed = lambda: time.sleep(0.2) or typed()\n"
)


def test_ctrl_c_reaches_it_once() -> None:
    pid, handle = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", SLOW + CALLS, COUNTS])
    shown = ""
    end = time.monotonic() + 30
    while "interrupted" not in shown and time.monotonic() < end:
        if select.select([handle], [], [], 0.1)[0]:
            shown += os.read(handle, 1024).decode()
            if shown.endswith("begun\r\n"):
                os.write(handle, b"\x03")
    os.close(handle)
    os.waitpid(pid, 0)
    assert "interrupts 1\r\n" in shown


def test_what_is_ignored_as_under_nohup_ends_neither() -> None:
    code = (
        "import os, pathlib, signal, sys\nfrom nixrepro.process import attend\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nprogram = 'import os, signal; "
        "os.kill(os.getppid(), signal.SIGHUP); os.kill(os.getpid(), signal.SIGHUP)'\n"
        "sys.exit(attend([sys.executable, '-c', program], cwd=pathlib.Path('/'), env=os.environ))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_asked_to_end_both_end() -> None:
    code = CALLS.replace("except KeyboardInterrupt", "except SystemExit as error").replace(
        "'interrupted'", "error.code"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, "import time; print('begun', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None and child.stderr.readline() == "begun\n"
    child.terminate()
    assert child.communicate(timeout=30)[0] == "143\n"


def test_one_that_is_asked_to_end_cleans_up_first() -> None:
    code = (
        "import os, signal; from nixrepro.process import ending\n"
        "with ending():\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally: print('clean')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("clean\n", "", 128 + signal.SIGTERM)

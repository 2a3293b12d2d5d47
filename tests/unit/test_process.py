"""Programs that are started end before who started them does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nixrepro.process import run

# It takes a moment to end, as Nix does with its builders.
SLOW = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.3)
    pathlib.Path(sys.argv[1], "ended").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1], "begun").touch()
time.sleep(60)
"""
STARTING = """
import sys
from nixrepro.process import ending, run
with ending():
    run([sys.executable, "-c", sys.argv[2], sys.argv[1]])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_first(tmp_path: Path, number: signal.Signals) -> None:
    argv = [sys.executable, "-c", STARTING, str(tmp_path), SLOW]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, env={**os.environ}) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode == (128 + number if number == signal.SIGTERM else -number)
    assert (tmp_path / "ended").exists()


def test_both_pipes_are_drained_and_input_is_given() -> None:
    program = (
        "import sys; t = sys.stdin.read(); print(t * 9); print(t, file=sys.stderr); sys.exit(3)"
    )
    done = run([sys.executable, "-c", program], stdin=b"x" * 100_000)
    assert (done.status, len(done.stdout), len(done.stderr)) == (3, 900_001, 100_001)
    with pytest.raises(FileNotFoundError):
        run(["there-is-no-such-program"])

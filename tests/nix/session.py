"""A project of a test's own, and terminals, small disks and cut networks around it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .conftest import NIX_CONFIG, REPOSITORY, Done, call, copy_project

PYTHON = [sys.executable, "-m", "nixrepro"]
# A user who is not root gets a name space of their own, in which they are.
OWN = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
TRUE = ("run", "--no-record", "--", "true")
PATIENCE = 60.0


class Own:
    """`nixrepro` in one folder, started from any other."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def copied(cls, root: Path) -> Own:
        """This repository's project in a new folder."""
        root.mkdir(parents=True)
        return cls(copy_project(root))

    def variables(self, **more: str) -> dict[str, str]:
        return {"NIX_CONFIG": NIX_CONFIG, "PYTHONPATH": str(REPOSITORY), **more}

    def __call__(self, *words: str | Path, cwd: Path | None = None, **more: str) -> Done:
        return call([*PYTHON, *words], cwd or self.root, self.variables(**more))

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
        return subprocess.Popen(
            [*PYTHON, *words],
            cwd=self.root,
            env={**os.environ, **self.variables()},
            stderr=subprocess.PIPE,
            **settings,
        )

    def runs(self) -> list[dict[str, Any]]:
        """Its runs as the tool lists them, newest first."""
        done = self("runs", "--json")
        assert done.status == 0, done.err
        found: list[dict[str, Any]] = json.loads(done.out)["runs"]
        return found

    def records(self) -> list[Path]:
        return sorted((self.root / ".nixrepro" / "runs").glob("*/record.json"))


def unshared(kind: str, script: str, *words: str | Path, env: Mapping[str, str]) -> Done:
    """Run a shell script with mounts or a network of its own; `words` are its $1, $2, ..."""
    argv = ["unshare", *OWN, f"--{kind}", "sh", "-euc", script, "sh", *words]
    return call(argv, env=dict(env))


def one_error(text: str) -> str:
    """The one message among what was said to a person."""
    assert "Traceback" not in text
    (message,) = re.findall(r"^error: (.+)$", text, re.MULTILINE)
    return str(message)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so, and fail when it never is."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Terminal:
    """A program on a terminal: what it shows is read, and keys are pressed."""

    def __init__(self, argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> None:
        self.shown = ""
        self._mark = 0
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(argv[0], [str(word) for word in argv], {**os.environ, **env})
            finally:
                os._exit(127)

    def wait(self, text: str) -> str:
        """Read until it shows a text that it has not shown before; all that came up to it."""
        end = time.monotonic() + PATIENCE
        while text not in self.shown[self._mark :]:
            assert self._read(end), f"{text!r} is not in {self.shown!r}"
        begin = self._mark
        self._mark = self.shown.index(text, begin) + len(text)
        return self.shown[begin : self._mark]

    def press(self, keys: str) -> None:
        os.write(self.handle, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit status, negative for a signal."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        os.close(self.handle)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self.handle], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            os.kill(self.pid, signal.SIGKILL)
            return False
        try:
            data = os.read(self.handle, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

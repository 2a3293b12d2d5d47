"""Starts other programs; the only module that imports subprocess."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import subprocess

_PATIENCE = 20.0  # seconds
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Completed:
    """What a program left: its exit status, standard output and standard error."""

    status: int
    stdout: bytes
    stderr: str


class Runner(Protocol):
    """Starts a program, waits, and returns what it left; tests may inject their own."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed: ...


def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    show: bool = False,
) -> Completed:
    """Run a program to its end, both pipes drained at once.

    An error that ends this process meanwhile, as a signal raises it, asks the program to end too
    and waits until it has: Nix ends its builders then, which outlive a Nix that is killed.

    Args:
        argv: the program and its arguments, one token each.
        cwd: the folder to run in; None for this one.
        env: all its variables; None for this process's.
        stdin: what it reads.
        show: let standard error through to the person instead of keeping it.

    Raises:
        FileNotFoundError: there is no such program.
    """
    import subprocess  # 2 ms that a warm start, which replaces this process, does without

    with subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
    ) as child:
        try:
            stdout, stderr = child.communicate(stdin)
        except BaseException:
            _end(child)
            raise
    said = "" if stderr is None else stderr.decode(errors="replace")
    return Completed(child.returncode, stdout, said)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Have a program end; one that does not listen is killed."""
    import subprocess

    child.terminate()
    try:
        child.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()


def attend(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], show: bool = False) -> int:
    """Run a program to its end as a part of this one: a signal that asks this to end, ends both.

    Args:
        argv: the program and its arguments, one token each; it reads nothing.
        cwd: the folder to run in.
        env: all its variables.
        show: let its output through to standard error; else nobody sees it.

    Returns:
        Its exit status; 128+n for signal n.

    Raises:
        FileNotFoundError: there is no such program, or no such folder.
        KeyboardInterrupt, SystemExit: this one was asked to end meanwhile; the program has ended.
    """
    import subprocess

    asked: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def ask(number: int, _: object) -> None:
        asked.append(number)
        # What is typed reaches the whole group, and so the program, by itself.
        if child is not None and not (number == signal.SIGINT and _typed()):
            child.send_signal(number)

    # What is ignored, as under nohup, is ignored by both.
    heard = [each for each in _ENDING if signal.getsignal(each) is not signal.SIG_IGN]
    old = {number: signal.signal(number, ask) for number in heard}
    shown = sys.stderr if show else subprocess.DEVNULL
    try:
        child = subprocess.Popen(
            list(argv), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=shown, stderr=shown
        )
        status = child.wait()
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
    if asked:
        raise KeyboardInterrupt if asked[0] == signal.SIGINT else SystemExit(128 + asked[0])
    return status if status >= 0 else 128 - status


class Started:
    """A program that runs beside this one, with this one's standard streams."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self.pid = child.pid

    def wait(self) -> int:
        """Its exit status, negative for a signal, once it has ended."""
        return self._child.wait()

    def status(self) -> int | None:
        """The same, or None while it runs."""
        return self._child.poll()

    def end(self) -> None:
        """Ask it to end, if it still runs."""
        if self._child.poll() is None:
            self._child.terminate()


def start(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Started:
    """Start a program and go on.

    Args:
        argv: the program and its arguments, one token each.
        cwd: the folder to run in.
        env: all its variables.

    Raises:
        FileNotFoundError: there is no such program, or no such folder.
    """
    import subprocess

    return Started(subprocess.Popen(list(argv), cwd=cwd, env=dict(env)))


@contextmanager
def ending() -> Iterator[None]:
    """Clean up before this process ends: a signal that asks it to raises an error in it.

    Raises:
        SystemExit: such a signal came; 128+n for signal n.
    """

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    both = (signal.SIGHUP, signal.SIGTERM)
    heard = [each for each in both if signal.getsignal(each) is signal.SIG_DFL]
    for each in heard:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in heard:
            signal.signal(each, signal.SIG_DFL)


def _typed() -> bool:
    """Whether keys that are pressed send signals to this process's group."""
    try:
        with open("/dev/tty", "rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False

"""Starts other programs; the only module that imports subprocess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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

    done = subprocess.run(
        list(argv),
        cwd=cwd,
        env=None if env is None else dict(env),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=None if show else subprocess.PIPE,
        check=False,
    )
    stderr = "" if done.stderr is None else done.stderr.decode(errors="replace")
    return Completed(done.returncode, done.stdout, stderr)

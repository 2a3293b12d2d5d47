"""Starts the process that takes a probe, and waits for it with patience and with an ear."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from .. import numerics
from ..supervise import ENDING
from .kept import is_probe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .kept import Place

# Seconds: after which a person is told why it takes a while, and after which it is given up.
PATIENCE, LIMIT = 0.5, 300.0
# What a program does to itself happens each time; what others do to it does not.
_LASTING = (signal.SIGSEGV, signal.SIGILL, signal.SIGBUS, signal.SIGFPE, signal.SIGABRT)
_START = (
    "import importlib, sys; sys.path.append(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main(sys.argv[3], int(sys.argv[4]))"
)
_OUTPUT, _TROUBLE = "probe.json", "probe.trouble"


class Interrupted(Exception):
    """A signal came that asks for an end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{signal.Signals(number).name} came")
        self.number = number


def taken(
    place: Place, mask: Iterable[int], scratch: str, tell: Callable[[], None] | None
) -> tuple[dict[str, Any], bool]:
    """A probe, or why there is none; and whether that would be the same the next time.

    Signals that ask for an end must be blocked.

    Raises:
        Interrupted: one came; nothing of the probe runs any more.
    """
    output, trouble = os.path.join(scratch, _OUTPUT), os.path.join(scratch, _TROUBLE)
    _forget(output)
    package = __name__.rpartition(".")[0]
    folder = os.path.abspath(__file__)
    for _ in range(package.count(".") + 2):
        folder = os.path.dirname(folder)
    words = [sys.executable, "-I", "-c", _START, folder, f"{package}.whole", output]
    words.append(str(os.getpid()))
    # A GPU is not probed, and only to look at it takes seconds.
    env = {**place.env, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    path, argv = numerics.started(place.settings, sys.executable, words)
    made = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        pid = os.posix_spawn(
            path,
            list(argv),
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, trouble, made, 0o600),
            ],
            setsigmask=mask,
        )
    except OSError as error:
        return _unknown(f"it could not be started: {error.strerror}"), False
    try:
        slow = wait(pid, tell)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    finally:
        _, raw = os.waitpid(pid, 0)
    if slow:
        return _unknown(slow), True
    code = os.waitstatus_to_exitcode(raw)
    if code < 0:
        return _unknown(f"it was killed by {signal.Signals(-code).name}"), -code in _LASTING
    found = None if code else _read(output)
    if found is None:
        # A full disk or vcpu's own refusal, say: the next time it may go well.
        said = last(trouble)
        return _unknown(f"it ended with status {code}" + (f": {said}" if said else "")), False
    return found, True


def _forget(path: str) -> None:
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this
        os.unlink(path)
    except FileNotFoundError:
        pass


def _read(path: str) -> dict[str, Any] | None:
    """A probe that was written, or None where there is no whole one."""
    try:
        with open(path, "rb") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return None
    return found if is_probe(found) else None


def _unknown(reason: str) -> dict[str, Any]:
    return {"unknown": f"the probe could not be taken: {reason}"}


def wait(pid: int, tell: Callable[[], None] | None, limit: float | None = None) -> str:
    """Wait for a process's end; where that takes too long end it, and say so.

    Args:
        pid: the process, which stays to be reaped.
        tell: called where it takes a while; None to say nothing.
        limit: seconds; None for those of a probe.

    Raises:
        Interrupted: a signal came; it was ended.
    """
    limit = LIMIT if limit is None else limit
    begun = time.monotonic()
    told = tell is None
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        spent = time.monotonic() - begun
        if spent >= limit:
            os.kill(pid, signal.SIGKILL)
            return f"it took more than {limit:.0f} s"
        if not told and spent >= PATIENCE:
            told = True
            if tell is not None:
                tell()
        more = (limit if told else min(PATIENCE, limit)) - spent
        info = signal.sigtimedwait({*ENDING, signal.SIGCHLD}, max(more, 0.0))
        if info is None or info.si_signo == signal.SIGCHLD:
            continue
        # One that is ignored, as under nohup, waits too while it is blocked.
        if signal.getsignal(info.si_signo) is not signal.SIG_IGN:
            raise Interrupted(info.si_signo)
    return ""


def last(path: str) -> str:
    """The last line that a process said of its trouble."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            lines = [line.strip() for line in stream if line.strip()]
    except OSError:
        return ""
    return lines[-1][:300] if lines else ""

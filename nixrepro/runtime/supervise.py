"""Starts the program, forwards signals to it, and waits for its end."""

from __future__ import annotations

import os
import signal
import time

from .relay import Relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

FORWARDED = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGWINCH,
)  # fmt: skip
# Sent by the kernel, such as Ctrl-C: it went to the program too, which shares this process's group.
SI_KERNEL = 0x80
# Those that ask for an end: a run that has not started its program then starts none.
ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1
NOT_FOUND = 127
NOT_STARTED = 126


class Ended:
    """How a program ended; a plain class, because importing dataclasses takes 8 ms.

    Attributes:
        status: exit status; 128+n for signal n.
        signal: the signal's name, or an empty text.
        reason: why it could not be started, or an empty text.
        wall: seconds that it took; user and system are processor seconds.
        memory: bytes, the largest process's peak.
        forwarded: names of the signals that came meanwhile.
    """

    def __init__(
        self,
        status: int,
        *,
        signal: str = "",
        reason: str = "",
        wall: float = 0.0,
        user: float = 0.0,
        system: float = 0.0,
        memory: int = 0,
        forwarded: Sequence[str] = (),
    ) -> None:
        self.status = status
        self.signal = signal
        self.reason = reason
        self.wall = wall
        self.user = user
        self.system = system
        self.memory = memory
        self.forwarded = tuple(forwarded)


def load() -> Any:
    """The C library's prctl; importing ctypes takes 2 ms, which others may work in."""
    import ctypes

    return ctypes.CDLL(None).prctl


def block() -> set[signal.Signals]:
    """Hold back the signals that `run` waits for; gives the mask that the program is to have."""
    # Whoever started this may ignore it: the kernel then tells nobody how a program ended.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    old: set[signal.Signals] = signal.pthread_sigmask(  # type: ignore[assignment]
        signal.SIG_BLOCK, {*FORWARDED, signal.SIGCHLD}
    )
    return old


def run(
    path: str,
    argv: Sequence[str],
    env: Mapping[str, str],
    relay: Relay | None,
    mask: set[signal.Signals],
    meanwhile: Callable[[], None] | None = None,
) -> Ended:
    """Run a program to its end in this process's own group, so that job control stays as it is.

    Args:
        path: its file.
        argv: its name and arguments.
        env: all its variables.
        relay: takes its output; None lets it have this process's own.
        mask: the signal mask it gets, from `block`.
        meanwhile: called once it runs.
    """
    prctl = load()
    parent = os.getpid()
    if early := asked():
        reason = f"it was not started: {_name(early)} came before"
        return Ended(128 + early, signal=_name(early), reason=reason, forwarded=[_name(early)])
    begun = time.monotonic()
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            # With nobody to record it or to take its output, the program is to end as well.
            prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(NOT_STARTED)
            if relay is not None:
                os.dup2(relay.out.inner, 1)
                os.dup2(relay.err.inner, 2)
            # Python ignores these two; a program expects them as they are by default.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.execve(path, list(argv), dict(env))
        except OSError as error:
            os.write(writes, (error.strerror or "").encode())
        finally:
            os._exit(NOT_STARTED)
    # A child inherits no pending signal: what came while it was made may not have reached it.
    missed = signal.sigpending()
    os.close(writes)
    if relay is not None:
        relay.start()
    if meanwhile is not None:
        meanwhile()
    forwarded = _wait(pid, relay, missed)
    _, raw, usage = os.wait4(pid, 0)
    wall = time.monotonic() - begun
    reason = os.read(reads, 1024).decode(errors="replace")
    os.close(reads)
    code = os.waitstatus_to_exitcode(raw)
    return Ended(
        code if code >= 0 else 128 - code,
        signal=_name(-code) if code < 0 else "",
        reason=f"it could not be started: {reason}" if reason else "",
        wall=wall,
        user=usage.ru_utime,
        system=usage.ru_stime,
        memory=usage.ru_maxrss * 1024,
        forwarded=forwarded,
    )


def asked() -> int:
    """The number of a signal that came meanwhile and asks for an end; 0 for none."""
    for number in sorted(signal.sigpending() & set(ENDING)):
        # One that is ignored, as under nohup, waits too while it is blocked.
        if signal.getsignal(number) is not signal.SIG_IGN:
            return int(number)
    return 0


def _wait(pid: int, relay: Relay | None, missed: set[signal.Signals]) -> list[str]:
    """Forward signals until the program has ended; it is not yet reaped then."""
    forwarded = []
    waited = {*FORWARDED, signal.SIGCHLD}
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        info = signal.sigwaitinfo(waited)
        if info.si_signo == signal.SIGCHLD:
            continue
        if info.si_signo == signal.SIGWINCH and relay is not None:
            relay.resize()
        elif info.si_code == SI_KERNEL and info.si_signo not in missed:
            forwarded.append(_name(info.si_signo))
            continue
        else:
            forwarded.append(_name(info.si_signo))
            missed = missed - {info.si_signo}
        # Not yet reaped, so the number can't have become another process's.
        os.kill(pid, info.si_signo)
    return forwarded


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

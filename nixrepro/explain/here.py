"""What of this machine a trial's numbers may rest on: its CPU, processors, GPU, and tracing."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# PTRACE_SEIZE. Source: linux/ptrace.h.
_SEIZE = 0x4206
_LONGEST = 5  # seconds, should this process be killed meanwhile


@dataclass(frozen=True)
class Here:
    """This machine.

    Args:
        table: its CPU, as `vcpu --show` says it; nothing where it can't be asked.
        cores: how many processors can be used.
        gpu: its GPUs and their driver, as a record says them.
        tracing: whether programs may be traced, without which there is no virtual CPU.
    """

    table: tuple[str, ...] = ()
    cores: int = 1
    gpu: Mapping[str, Any] = field(default_factory=dict)
    tracing: bool = True


def look() -> Here:
    """This machine, as this process may use it; takes some milliseconds."""
    from nixrepro.runtime import cpu, gpu

    asked = cpu.table()
    return Here(
        tuple(asked) if isinstance(asked, list) else (),
        len(os.sched_getaffinity(0)),
        gpu.facts(),
        traceable(),
    )


def traceable() -> bool:
    """Whether a process may trace another one here, seen by tracing a child that does nothing."""
    library = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(_LONGEST)
            signal.pause()
        finally:
            os._exit(0)
    try:
        seized: int = library.ptrace(_SEIZE, child, None, None)
        return seized == 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

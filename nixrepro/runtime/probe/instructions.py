"""Probes the approximate instructions themselves: RCP and RSQRT in each form that the CPU has."""

from __future__ import annotations

import ctypes
import math
import os
import struct
from array import array

from .. import cpu
from ..machine_code import placed
from .functions import POINTS, Span
from .inputs import numbers
from .reference import largest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

_SPAN = Span(-30, 30, signed=False)
_SINGLE = struct.Struct("f")


def _inverse(x: float) -> float:
    return 1.0 / x


def _inverse_root(x: float) -> float:
    return 1.0 / math.sqrt(x)


class _Form:
    """How one form is spelled: it takes its numbers from [rsi], and puts its results to [rdi]."""

    def __init__(self, feature: str, size: int, load: str, operation: str, store: str) -> None:
        self.feature = feature
        self.size = size  # bytes at once
        self.load, self.operation, self.store = load, operation, store

    def code(self, opcode: int) -> bytes:
        """A function of the x86-64 calling convention: to, from, how often."""
        body = b"".join(
            (
                bytes.fromhex(self.load),
                bytes.fromhex(self.operation.format(opcode)),
                bytes.fromhex(self.store),
                bytes.fromhex(f"4883c6{self.size:02x} 4883c7{self.size:02x}"),  # add size, rsi; rdi
                bytes.fromhex("48ffca"),  # dec rdx
            )
        )
        clean = "" if self.feature == "sse" else "c5f877"  # vzeroupper
        return body + bytes((0x75, 256 - len(body) - 2)) + bytes.fromhex(clean + "c3")  # jnz; ret


_SCALAR = _Form("sse", 4, "f30f1006", "f30f{:02x}c0", "f30f1107")
_FOUR = _Form("sse", 16, "0f1006", "0f{:02x}c0", "0f1107")
_VEX_SCALAR = _Form("avx", 4, "c5fa1006", "c5fa{:02x}c0", "c5fa1107")
_EIGHT = _Form("avx", 32, "c5fc1006", "c5fc{:02x}c0", "c5fc1107")
_SIXTEEN = _Form("avx512f", 64, "62f17c481006", "62f27d48{:02x}c0", "62f17c481107")

_RCP, _RSQRT = 0x53, 0x52
FORMS: Mapping[str, tuple[_Form, int, Callable[[float], float]]] = {
    "rcpss": (_SCALAR, _RCP, _inverse),
    "rcpps": (_FOUR, _RCP, _inverse),
    "rsqrtss": (_SCALAR, _RSQRT, _inverse_root),
    "rsqrtps": (_FOUR, _RSQRT, _inverse_root),
    "vrcpss": (_VEX_SCALAR, _RCP, _inverse),
    "vrcpps": (_EIGHT, _RCP, _inverse),
    "vrsqrtss": (_VEX_SCALAR, _RSQRT, _inverse_root),
    "vrsqrtps": (_EIGHT, _RSQRT, _inverse_root),
    "vrcp14ps": (_SIXTEEN, 0x4C, _inverse),
    "vrsqrt14ps": (_SIXTEEN, 0x4E, _inverse_root),
}


def found() -> Iterator[tuple[str, bytes, float]]:
    """Of each form that CPUID says there is: its name, the bytes of its results, its error in ulp.

    Raises:
        OSError: no memory may be made code here.
    """
    if os.uname().machine != "x86_64":
        return
    lines = cpu.table()
    has = cpu.features(lines) if isinstance(lines, list) else frozenset()
    given = numbers("f", _SPAN)
    wanted: dict[Any, array[float]] = {}
    for name, (form, opcode, exact) in FORMS.items():
        if form.feature != "sse" and form.feature not in has:
            continue
        got = called(form.code(opcode), given, form.size)
        if exact not in wanted:
            wanted[exact] = array("d", map(exact, given))
        yield f"cpu.{name}", got.tobytes(), largest(got, wanted[exact], "f")


def called(code: bytes, given: array[float], size: int) -> array[float]:
    """What a piece of machine code makes of floats.

    Raises:
        OSError: the system does not let memory become code.
    """
    got = array("f", bytes(_SINGLE.size * POINTS))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    times = POINTS * _SINGLE.size // size
    kind(placed(code))(got.buffer_info()[0], given.buffer_info()[0], times)
    return got

"""Tells CPUs apart that one table describes: by what RCP and RSQRT give, in half a millisecond."""

from __future__ import annotations

import os

from ..canonical import small
from ..machine_code import placed

COUNT = 64
# By the C calling convention, rdi: results, rsi: floats, edx: how many times four of them.
#   1: movups xmm0, [rsi]; rcpps xmm1, xmm0; movups [rdi], xmm1
#   rsqrtps xmm1, xmm0; movups [rdi+16], xmm1
#   add rsi, 16; add rdi, 32; dec edx; jnz 1; ret
_CODE = bytes.fromhex("0f10060f53c80f110f0f52c80f114f104883c6104883c720ffca75e4c3")
# Exponents 0 and 1, for the root's halves of its table, and mantissas all over.
_ONE, _SPREAD, _TWO_OCTAVES = 0x3F800000, 0x9E3779B1, 0xFFFFFF


def digest() -> str:
    """Of both instructions' results over `COUNT` numbers; "" where they can't be asked.

    A virtual CPU with exact instructions answers otherwise than without, under one table, and so
    do two makers' CPUs.
    """
    if os.uname().machine != "x86_64":
        return ""
    try:
        import ctypes

        given = (ctypes.c_uint32 * COUNT)(
            *(_ONE + (number * _SPREAD >> 8 & _TWO_OCTAVES) for number in range(COUNT))
        )
        got = (ctypes.c_uint32 * (2 * COUNT))()
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
        call = kind(placed(_CODE))
        call(ctypes.addressof(got), ctypes.addressof(given), COUNT // 4)
    except (OSError, ImportError):
        return ""
    return small(bytes(got))

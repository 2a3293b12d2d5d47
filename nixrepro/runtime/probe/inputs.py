"""Numbers to compute with: the same on every machine, made by integers alone."""

from __future__ import annotations

import hashlib
import sys
from array import array
from functools import cache

from .functions import POINTS, Function, Span

# By type: bits of the mantissa, the exponent's bias, the array that takes the bits.
_FORMS = {"d": (52, 1023, "Q"), "f": (23, 127, "I")}


def words(name: str, count: int, size: int = 8) -> bytes:
    """Little-endian numbers of `size` bytes, as random as SHAKE-128 of a name is."""
    return hashlib.shake_128(name.encode()).digest(count * size)


@cache
def numbers(kind: str, span: Span, place: int = 0) -> array[float]:
    """`POINTS` numbers of a span, for the argument of a function at a place.

    Of a word w of 64 bits the highest is the sign, the eleven below choose the exponent, the lowest
    are the mantissa.

    Args:
        kind: `d` for double, `f` for float.
        span: where they lie.
        place: 0 for a first argument, 1 for a second.
    """
    mantissa, bias, whole = _FORMS[kind]
    mask = (1 << mantissa) - 1
    many = span.high - span.low + 1
    sign = 63 - (mantissa + (11 if kind == "d" else 8))
    top = 1 << 63 if span.signed else 0
    base = span.low + bias
    drawn = array("Q", words(f"argument {place}", POINTS))
    if sys.byteorder == "big":
        drawn.byteswap()
    bits = array(
        whole,
        [
            (w & top) >> sign | (base + ((w >> 52 & 2047) * many >> 11)) << mantissa | w & mask
            for w in drawn
        ],
    )
    found: array[float] = array(kind)
    found.frombytes(bits.tobytes())
    return found


def arguments(function: Function, kind: str) -> list[array[float]]:
    """What a function is called with: an array for each of its arguments."""
    spans = function.spans(kind)
    return [numbers(kind, span, place) for place, span in enumerate(spans)]

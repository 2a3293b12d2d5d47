"""What libm's functions give when they are rounded correctly, and how far off results are.

The file beside this module holds for each function, in their order, first for doubles and then for
floats: the `CHECKED` correctly rounded results, and then as many signed bytes, by which the exact
result is above the rounded one, in 1/256 ulp. `tools/reference` makes it by MPFR.
"""

from __future__ import annotations

import math
import os
import sys
from array import array
from functools import lru_cache

from .functions import CHECKED, FUNCTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.bin")
STEPS = 256  # in an ulp
_SIZES = {"d": 8, "f": 4}
# Of an ulp, as math.frexp says exponents.
_PRECISION = {"d": 53, "f": 24}
# For what is no number at all.
_ALL = 2.0**53


@lru_cache(maxsize=1)
def results() -> dict[tuple[str, str], tuple[array[float], array[int]]]:
    """By function and type (`d` or `f`): the rounded results, and what they lack.

    Raises:
        OSError, ValueError: the file is missing or broken.
    """
    with open(FILE, "rb") as stream:
        data = stream.read()
    if len(data) != len(FUNCTIONS) * CHECKED * (sum(_SIZES.values()) + len(_SIZES)):
        raise ValueError(f"{FILE} has {len(data)} bytes")
    found: dict[tuple[str, str], tuple[array[float], array[int]]] = {}
    place = 0
    for function in FUNCTIONS:
        for kind, size in _SIZES.items():
            rounded: array[float] = array(kind)
            rest = array("b")
            rounded.frombytes(data[place : place + size * CHECKED])
            place += size * CHECKED
            rest.frombytes(data[place : place + CHECKED])
            place += CHECKED
            if sys.byteorder == "big":
                rounded.byteswap()
            found[function.name, kind] = rounded, rest
    return found


def ulp(name: str, kind: str, got: Sequence[float]) -> float:
    """The largest error of a function's first results, in ulp; 0.5 is what rounding costs.

    Args:
        name: the function.
        kind: `d` or `f`.
        got: its results, of which the first `CHECKED` count.
    """
    rounded, rest = results()[name, kind]
    return largest(got[:CHECKED], rounded, kind, rest)


def largest(
    got: Sequence[float], wanted: Sequence[float], kind: str, rest: Sequence[int] = ()
) -> float:
    """The largest distance between numbers and what they should be, in ulp of the latter.

    Args:
        got: the numbers.
        wanted: what they should be.
        kind: the type whose ulp it is: `d` or `f`.
        rest: by how much the exact numbers are above, in 1/256 ulp.
    """
    precision = _PRECISION[kind]
    found = 0.0
    for place, (one, other) in enumerate(zip(got, wanted)):
        if one == other:
            off = 0.0
        elif math.isfinite(one):
            off = math.ldexp(one - other, precision - math.frexp(other)[1])
        else:
            return _ALL
        if rest:
            off -= rest[place] / STEPS
        found = max(found, abs(off))
    return round(min(found, _ALL), 2)

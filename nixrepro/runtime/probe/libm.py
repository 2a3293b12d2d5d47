"""Probes the C library's libm function by function, for double and float."""

from __future__ import annotations

import ctypes
from array import array

from . import reference
from .functions import FUNCTIONS
from .inputs import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_TYPES: dict[str, Any] = {"d": ctypes.c_double, "f": ctypes.c_float}


def found() -> Iterator[tuple[str, bytes, float]]:
    """Of each function that there is: its name, the bytes of its results, its error in ulp.

    Raises:
        OSError: this C library has no libm.
    """
    library = ctypes.CDLL("libm.so.6")
    for function in FUNCTIONS:
        for kind, of in _TYPES.items():
            name = function.called(kind)
            call: Any = getattr(library, name, None)
            if call is None:
                continue
            given = arguments(function, kind)
            call.restype = of
            call.argtypes = [of] * len(given)
            got = array(kind, map(call, *given))
            yield f"libm.{name}", got.tobytes(), reference.ulp(function.name, kind, got)

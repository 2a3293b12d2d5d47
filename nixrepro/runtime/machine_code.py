"""Machine code of our own, put where this process can call it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PAGE = 4096
_READ, _WRITE, _EXEC, _PRIVATE, _ANONYMOUS = 1, 2, 4, 2, 32


def placed(code: bytes) -> int:
    """The address of a page that begins with some code; it stays for as long as the process.

    The page is filled before it is made executable: a virtual CPU outside of this process looks at
    it at that moment, and replaces what it answers itself.

    Raises:
        OSError: the system gives no such memory.
        ImportError: this Python has no ctypes.
    """
    import ctypes

    libc: Any = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    place: int | None = libc.mmap(None, _PAGE, _READ | _WRITE, _PRIVATE | _ANONYMOUS, -1, 0)
    if place in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ctypes.memmove(place, code, len(code))
    if libc.mprotect(place, _PAGE, _READ | _EXEC) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(place or 0)

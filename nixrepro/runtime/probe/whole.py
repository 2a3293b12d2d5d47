"""Takes the whole probe in a process of its own, and writes it to a file."""

from __future__ import annotations

import errno
import hashlib
import os
import signal

from ..canonical import digest, json_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from . import Part

LETTERS = 12
_REASON = 300
_PASSING = (
    errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC,
)  # fmt: skip
_PR_SET_PDEATHSIG = 1


def take() -> dict[str, Any]:
    """The probe of the environment that this Python is of, as a record has it."""
    functions: dict[str, Any] = {}
    for name, module, parts in (
        ("cpu", "", _instructions),
        ("libm", "", _libm),
        ("numpy", "numpy", _arrays),
        ("tensorflow", "tensorflow", _kernels),
    ):
        if module and not _there(module):
            continue
        try:
            for part, by in parts():
                functions[part[0]] = _said(part, by)
        except Exception as error:  # what one library can't do, others may
            if passing(error):
                raise
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:_REASON]
            functions[name] = {"unknown": reason}
    return {"digest": whole(functions), "functions": functions}


def passing(error: Exception) -> bool:
    """Whether something failed for what the machine lacked just then: no probe is kept of that."""
    lacked = isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
    return lacked or (isinstance(error, OSError) and error.errno in _PASSING)


def whole(functions: dict[str, Any]) -> str:
    """The digest of all functions' digests."""
    return digest({name: said.get("digest") for name, said in functions.items()})


def _said(part: Part, by: list[str]) -> dict[str, Any]:
    _, data, ulp = part
    found: dict[str, Any] = {"digest": hashlib.sha256(data).hexdigest()[:LETTERS]}
    if ulp is not None:
        found["ulp"] = ulp
    if by:
        found["by"] = by
    return found


def _there(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _instructions() -> Iterator[tuple[Part, list[str]]]:
    from . import instructions

    return _alone(instructions.found)


def _libm() -> Iterator[tuple[Part, list[str]]]:
    from . import libm

    return _alone(libm.found)


def _arrays() -> Iterator[tuple[Part, list[str]]]:
    from . import arrays

    return _alone(arrays.found)


def _kernels() -> Iterator[tuple[Part, list[str]]]:
    from . import kernels
    from .onednn import Said

    return kernels.found(Said())


def _alone(found: Callable[[], Iterator[Part]]) -> Iterator[tuple[Part, list[str]]]:
    for part in found():
        yield part, []


def _follow(parent: int) -> None:
    """Let this process end with the one that waits for it, however that ends."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError):
        return
    if os.getppid() != parent:
        os._exit(1)


def main(path: str, parent: int) -> None:
    """Write the probe to a file, and end at once: taking TensorFlow down in order takes long.

    Args:
        path: the file.
        parent: the process that waits for it.
    """
    _follow(parent)
    data = json_bytes(take())
    with open(path, "wb") as stream:
        stream.write(data)
    os._exit(0)

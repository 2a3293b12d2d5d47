"""The lines that processes of a run append to its `events.jsonl`, whole or not at all."""

from __future__ import annotations

import math
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "events.jsonl"

_open: dict[str, int] = {}


def write(event: str, **facts: Any) -> None:
    """Append one event to the run's file; outside of a run, or when the disk is full, do nothing.

    Args:
        event: what kind of event it is.
        facts: JSON values; numbers that JSON can't say become "nan", "inf" and "-inf".
    """
    folder = os.environ.get("NIXREPRO_RUN")
    if not folder:
        return
    import json

    line = json.dumps({"event": event, "pid": os.getpid(), **facts}, allow_nan=False) + "\n"
    try:
        if folder not in _open:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            _open[folder] = os.open(os.path.join(folder, FILE), flags, 0o666)
        # One write to a file opened for appending: lines of several processes never mix.
        os.write(_open[folder], line.encode())
    except OSError:
        _open.pop(folder, None)


def number(value: Any) -> Any:
    """A metric as JSON can say it: a number, "nan", "inf", "-inf", a list; else its text."""
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if isinstance(value, (list, tuple)):
        return [number(item) for item in value]
    if isinstance(value, dict):
        return {str(key): number(item) for key, item in value.items()}
    plain = _plain(value)
    if plain is None:
        return str(value)
    if isinstance(plain, float) and not math.isfinite(plain):
        return str(plain)
    return plain


def _plain(value: Any) -> Any | None:
    try:
        shape = getattr(value, "shape", None)
        if shape is not None and len(shape) > 0:
            import numpy  # type: ignore[import-not-found,unused-ignore]

            return number(numpy.asarray(value).tolist())
        # numpy's and TensorFlow's integers are numbers.Integral only by their index.
        return value.__index__() if hasattr(value, "__index__") else float(value)
    except (TypeError, ValueError):
        try:
            return float(value)
        except (TypeError, ValueError):
            return None

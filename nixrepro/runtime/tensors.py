"""The digest of a model's weights: what they are bit for bit, whatever they are called."""

from __future__ import annotations

import hashlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def measure(weights: Iterable[Any]) -> list[dict[str, Any]]:
    """Name, dtype, shape and SHA-256 of the raw little-endian bytes of each weight, in order.

    Raises:
        Exception: whatever the framework raises when a weight has no value (graph mode, for one).
    """
    return [_tensor(weight) for weight in weights]


def _tensor(weight: Any) -> dict[str, Any]:
    import numpy  # type: ignore[import-not-found,unused-ignore]

    value = weight.numpy() if hasattr(weight, "numpy") else weight
    # ascontiguousarray makes one dimension of none: keep the shape first.
    array = numpy.asarray(value)
    flat = numpy.ascontiguousarray(array).reshape(-1)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        flat = flat.byteswap()
    name = str(getattr(weight, "path", "") or getattr(weight, "name", ""))
    return {
        "name": name,
        "dtype": array.dtype.name,
        "shape": [int(size) for size in array.shape],
        "sha256": hashlib.sha256(flat.view(numpy.uint8)).hexdigest(),
    }


def digest(parts: Iterable[dict[str, Any]]) -> str:
    """SHA-256 over one line `dtype [shape] sha256` for each weight in order; names do not count."""
    lines = (f"{part['dtype']} {part['shape']} {part['sha256']}\n" for part in parts)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def size(parts: Iterable[dict[str, Any]]) -> int:
    """How many numbers the weights hold in all."""
    total = 0
    for part in parts:
        count = 1
        for side in part["shape"]:
            count *= side
        total += count
    return total

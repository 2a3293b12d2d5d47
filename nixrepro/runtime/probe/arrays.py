"""Probes numpy: its own loops, the BLAS and LAPACK that it brings, its FFT and its generators."""

from __future__ import annotations

import importlib

from . import reference
from .functions import BY_NAME
from .inputs import arguments, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from . import Part

# By numpy's name: the function of the C library that computes the same.
UFUNCS = {
    "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "cbrt": "cbrt", "cos": "cos", "cosh": "cosh",
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "hypot": "hypot", "log": "log",
    "log10": "log10", "log1p": "log1p", "log2": "log2", "power": "pow", "sin": "sin",
    "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
_KINDS = {"d": "float64", "f": "float32"}


def uniform(np: Any, name: str, shape: tuple[int, ...], kind: str) -> Any:
    """An array of numbers from -1 to 1, each exact in its type, from the bits of a name.

    Args:
        np: numpy.
        name: what is computed of it, so that it is no other one's.
        shape: its shape.
        kind: `d` or `f`.
    """
    size, spare = (8, 11) if kind == "d" else (4, 8)
    count = 1
    for length in shape:
        count *= length
    whole = np.frombuffer(words(name, count, size), dtype=f"<i{size}") >> spare
    scale = 2.0 ** -(size * 8 - 1 - spare)
    return (whole.astype(_KINDS[kind]) * np.asarray(scale, _KINDS[kind])).reshape(shape)


def found() -> Iterator[Part]:
    """Each function of numpy, as `libm.found` gives them.

    Raises:
        ImportError: there is no numpy, or it can't be imported.
    """
    np = importlib.import_module("numpy")
    with np.errstate(all="ignore"):
        for kind, name in _KINDS.items():
            yield from _ufuncs(np, kind, name)
            yield from _sums(np, kind, name)
            yield from _algebra(np, kind, name)
        yield from _others(np)


def _ufuncs(np: Any, kind: str, name: str) -> Iterator[Part]:
    for own, other in UFUNCS.items():
        if not hasattr(np, own):
            continue
        given = [np.frombuffer(each, dtype=name) for each in arguments(BY_NAME[other], kind)]
        call = getattr(np, own)
        got = call(*given)
        # Numbers that do not lie side by side may be another loop's.
        apart = call(*(each[::3] for each in given))
        ulp = reference.ulp(other, kind, got.tolist())
        yield f"numpy.{name}.{own}", got.tobytes() + apart.tobytes(), ulp


def _sums(np: Any, kind: str, name: str) -> Iterator[Part]:
    long = uniform(np, "sum", (100_003,), kind)
    wide = uniform(np, "sums", (301, 207), kind)
    for own in ("sum", "mean", "var", "cumsum"):
        call = getattr(np, own)
        parts = [call(long), call(wide, axis=0), call(wide, axis=1)]
        yield f"numpy.{name}.{own}", _bytes(np, parts), None
    text = np.einsum("ij,ij->i", wide, wide)
    yield f"numpy.{name}.einsum", _bytes(np, [text]), None


def _algebra(np: Any, kind: str, name: str) -> Iterator[Part]:
    a = uniform(np, "left", (211, 307), kind)
    b = uniform(np, "right", (307, 193), kind)
    long = uniform(np, "dot", (10_007,), kind)
    yield f"blas.{name}.dot", _bytes(np, [np.dot(long, long[::-1].copy())]), None
    yield f"blas.{name}.gemv", _bytes(np, [a @ b[:, 0].copy(), b[:, 0].copy() @ b]), None
    # Small ones, large ones and symmetric ones are computed otherwise.
    parts = [a[:5, :7] @ b[:7, :3], a @ b, a.T @ a]
    yield f"blas.{name}.matmul", _bytes(np, parts), None
    square, many = uniform(np, "square", (67, 67), kind), uniform(np, "tall", (67, 5), kind)
    positive = square @ square.T + 67 * np.eye(67, dtype=name)
    linear = np.linalg
    yield f"lapack.{name}.solve", _bytes(np, [linear.solve(square, many)]), None
    yield f"lapack.{name}.inv", _bytes(np, [linear.inv(square)]), None
    yield f"lapack.{name}.cholesky", _bytes(np, [linear.cholesky(positive)]), None
    yield f"lapack.{name}.qr", _bytes(np, linear.qr(square)), None
    yield f"lapack.{name}.svd", _bytes(np, linear.svd(square)), None
    yield f"lapack.{name}.eigh", _bytes(np, linear.eigh(positive)), None


def _others(np: Any) -> Iterator[Part]:
    signal = uniform(np, "signal", (1000,), "d")
    yield "numpy.float64.fft", _bytes(np, [np.fft.fft(signal), np.fft.rfft(signal[:997])]), None
    draw = np.random.default_rng(1)
    yield "numpy.float64.random-normal", _bytes(np, [draw.standard_normal(4096)]), None
    yield "numpy.float64.random-gamma", _bytes(np, [draw.standard_gamma(0.7, 1024)]), None
    old = np.random.RandomState(1)
    yield "numpy.float64.random-randn", _bytes(np, [old.standard_normal(4096)]), None


def _bytes(np: Any, parts: Any) -> bytes:
    return b"".join(np.ascontiguousarray(each).tobytes() for each in parts)

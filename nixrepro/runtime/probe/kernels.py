"""Probes TensorFlow: the kernels of Eigen and of oneDNN as it chooses them, and XLA's code.

Which library computed something is not guessed: oneDNN is told to say what it executes.
"""

from __future__ import annotations

import importlib
from functools import partial

from . import reference
from .arrays import uniform
from .functions import BY_NAME
from .inputs import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from . import Part
    from .onednn import Said

# By TensorFlow's name: the function of the C library that computes the same.
KNOWN = {
    "atan": "atan", "cos": "cos", "cosh": "cosh", "erf": "erf", "erfc": "erfc", "exp": "exp",
    "expm1": "expm1", "lgamma": "lgamma", "log": "log", "log1p": "log1p", "sin": "sin",
    "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
COMPILED = ("exp", "log", "sin", "tanh", "erf")


def found(said: Said) -> Iterator[tuple[Part, list[str]]]:
    """Each function of TensorFlow, and the kernels of oneDNN that took part in it.

    Raises:
        ImportError: there is no TensorFlow, or it can't be imported.
    """
    tf = importlib.import_module("tensorflow")
    np = importlib.import_module("numpy")
    with tf.device("/CPU:0"):
        for name, kind, call in (*_elementwise(tf, np), *_rows(tf, np), *_products(tf, np)):
            said.since()
            got = call()
            parts = got if isinstance(got, (list, tuple)) else [got]
            arrays = [part.numpy() for part in parts]
            by = said.since()
            library = "onednn" if by else "eigen"
            known = KNOWN.get(name)
            ulp = reference.ulp(known, kind, arrays[0].tolist()) if known else None
            type_ = "float64" if kind == "d" else "float32"
            whole = b"".join(each.tobytes() for each in arrays)
            yield (f"{library}.{type_}.{name}", whole, ulp), by
        for part in _compiled(tf, np):
            yield part, said.since()


def _drawn(tf: Any, np: Any, name: str, kind: str) -> Any:
    """What the C library's function of that name is called with."""
    return tf.constant(np.frombuffer(arguments(BY_NAME[name], kind)[0], dtype=kind))


def _elementwise(tf: Any, np: Any) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """What Eigen computes number by number."""
    for kind in "fd":
        for name, other in KNOWN.items():
            call, x = getattr(tf.math, name), _drawn(tf, np, other, kind)
            yield name, kind, partial(call, x)
    middle, positive = _drawn(tf, np, "tanh", "f"), _drawn(tf, np, "sqrt", "f")
    for name, call in (
        ("rsqrt", tf.math.rsqrt),
        ("reciprocal", tf.math.reciprocal),
        ("pow", lambda x: tf.math.pow(x, tf.constant(1.7, x.dtype))),
    ):
        yield name, "f", partial(call, positive)
    for name, call in (
        ("sigmoid", tf.math.sigmoid),
        ("softplus", tf.math.softplus),
        ("elu", tf.nn.elu),
        ("selu", tf.nn.selu),
        ("gelu", tf.nn.gelu),
        ("gelu-tanh", lambda x: tf.nn.gelu(x, approximate=True)),
    ):
        yield name, "f", partial(call, middle)


def _rows(tf: Any, np: Any) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """What adds numbers up, or draws them."""
    x = tf.constant(uniform(np, "rows", (129, 257), "f"))
    yield "softmax", "f", lambda: tf.nn.softmax(x)
    yield "log-softmax", "f", lambda: tf.nn.log_softmax(x)
    yield "reduce_sum", "f", lambda: [tf.reduce_sum(x, axis) for axis in (None, 0, 1)]
    yield "reduce_mean", "f", lambda: [tf.reduce_mean(x, axis) for axis in (None, 0, 1)]
    yield "bias_add", "f", lambda: tf.nn.bias_add(x, x[0])
    yield "bias_add-gradient", "f", lambda: tf.raw_ops.BiasAddGrad(out_backprop=x)
    yield (
        "cross_entropy",
        "f",
        lambda: tf.raw_ops.SoftmaxCrossEntropyWithLogits(features=x, labels=tf.abs(x)),
    )
    yield "random_normal", "f", lambda: tf.random.stateless_normal((4096,), (1, 2))
    yield "cholesky", "f", lambda: tf.linalg.cholesky(tf.eye(33) * 40 + x[:33, :33])


def _products(tf: Any, np: Any) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """What multiplies: by oneDNN itself, or by Eigen, whose inner kernel is oneDNN's for floats."""
    for kind in "fd":
        a = tf.constant(uniform(np, "left", (133, 307), kind))
        b = tf.constant(uniform(np, "right", (307, 67), kind))
        yield "matmul", kind, partial(_multiplied, tf, a, b)
    a = tf.constant(uniform(np, "batch", (8, 33, 65), "f"))
    yield "batch_matmul", "f", lambda: tf.matmul(a, a, transpose_b=True)
    x = tf.constant(uniform(np, "image", (4, 17, 17, 8), "f"))
    k = tf.constant(uniform(np, "kernel", (3, 3, 8, 16), "f"))
    y = tf.constant(uniform(np, "output", (4, 17, 17, 16), "f"))
    deep = tf.constant(uniform(np, "depth", (3, 3, 8, 1), "f"))
    same = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    raw = tf.raw_ops
    yield "conv2d", "f", lambda: raw.Conv2D(input=x, filter=k, **same)
    yield (
        "conv2d-input-gradient",
        "f",
        lambda: raw.Conv2DBackpropInput(input_sizes=x.shape, filter=k, out_backprop=y, **same),
    )
    yield (
        "conv2d-filter-gradient",
        "f",
        lambda: raw.Conv2DBackpropFilter(input=x, filter_sizes=k.shape, out_backprop=y, **same),
    )
    yield (
        "depthwise_conv2d",
        "f",
        lambda: raw.DepthwiseConv2dNative(input=x, filter=deep, **same),
    )
    yield "avg_pool", "f", lambda: tf.nn.avg_pool2d(x, 3, 2, "SAME")
    yield "batch_norm", "f", lambda: _normalised(tf, x)


def _multiplied(tf: Any, a: Any, b: Any) -> list[Any]:
    return [tf.matmul(a, b), tf.matmul(a, a, transpose_b=True)]


def _normalised(tf: Any, x: Any) -> list[Any]:
    found = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=tf.ones(8), offset=tf.zeros(8), mean=[], variance=[], is_training=True
    )
    return [found.y, found.batch_mean, found.batch_variance]


def _compiled(tf: Any, np: Any) -> Iterator[Part]:
    """What XLA makes of a few functions: compiling takes time, so they are two programs only."""
    given = [_drawn(tf, np, name, "f") for name in COMPILED]
    positive = _drawn(tf, np, "sqrt", "f")
    a = tf.constant(uniform(np, "left", (65, 129), "f"))

    def numbers(positive: Any, *given: Any) -> list[Any]:
        found = [getattr(tf.math, name)(x) for name, x in zip(COMPILED, given)]
        return [*found, tf.math.rsqrt(positive), tf.math.sigmoid(given[0])]

    def rows(a: Any) -> list[Any]:
        return [tf.matmul(a, a, transpose_b=True), tf.reduce_sum(a), tf.nn.softmax(a)]

    def compiled(program: Any) -> Any:
        return tf.function(program, jit_compile=True, autograph=False)

    names = (*COMPILED, "rsqrt", "sigmoid")
    for name, got in zip(names, compiled(numbers)(positive, *given)):
        array = got.numpy()
        ulp = reference.ulp(KNOWN[name], "f", array.tolist()) if name in COMPILED else None
        yield f"xla.float32.{name}", array.tobytes(), ulp
    for name, got in zip(("matmul", "reduce_sum", "softmax"), compiled(rows)(a)):
        yield f"xla.float32.{name}", got.numpy().tobytes(), None

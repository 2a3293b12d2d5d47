"""Computes with every numeric library of the closure; a line `name digest` for each result.

    python compute.py DIGITS

DIGITS is the example's program (train/digits.py), which is run first, as it is.
"""

import contextlib
import ctypes
import hashlib
import io
import random
import runpy
import struct
import sys

import numpy as np

SAMPLES = 600
# Of numpy.
EVERYWHERE = "exp exp2 expm1 sin cos tan sinh cosh tanh arctan arcsinh cbrt"
ABOVE_ZERO = "log log2 log10 log1p sqrt reciprocal"
# Of TensorFlow.
ELEMENTWISE = "rsqrt reciprocal sqrt erf tanh exp log log1p sin cos sigmoid softplus lgamma"
COMPILED = "rsqrt erf tanh exp log sigmoid gelu softmax sum matmul"


def say(name, *arrays):
    """One line: the digest of a result's bytes."""
    digest = hashlib.sha256()
    for each in arrays:
        digest.update(np.ascontiguousarray(each).tobytes())
    print(name, digest.hexdigest()[:12], flush=True)


def libm():
    """The C library's functions, one by one, on the same random numbers."""
    library = ctypes.CDLL("libm.so.6")
    pick = random.Random(0)
    points = [pick.uniform(0.05, 0.95) for _ in range(SAMPLES)]
    wide = [pick.uniform(-20, 20) for _ in range(SAMPLES)]
    plain = "exp exp2 expm1 sin cos tan sinh cosh tanh atan asinh erf erfc tgamma lgamma cbrt"
    unit = "log log2 log10 log1p asin acos atanh"
    for size, kind in (("", ctypes.c_double), ("f", ctypes.c_float)):
        for name, places in [
            *((name, wide) for name in plain.split()),
            *((name, points) for name in unit.split()),
        ]:
            function = getattr(library, name + size)
            function.restype, function.argtypes = kind, [kind]
            found = [function(x) for x in places]
            say(f"libm.{name}{size}", np.array(found))
        for name in ("pow", "atan2", "hypot", "fmod"):
            function = getattr(library, name + size)
            function.restype, function.argtypes = kind, [kind, kind]
            found = [function(x, y) for x, y in zip(points, wide, strict=True)]
            say(f"libm.{name}{size}", np.array(found))


def arrays():
    """numpy: its functions, sums, and what BLAS and LAPACK do for it."""
    draw = np.random.RandomState(0)
    for kind in ("float32", "float64"):
        wide = draw.uniform(-9, 9, 4099).astype(kind)
        above = draw.uniform(0.01, 9, 4099).astype(kind)
        for name in EVERYWHERE.split():
            say(f"numpy.{kind}.{name}", getattr(np, name)(wide))
        for name in ABOVE_ZERO.split():
            say(f"numpy.{kind}.{name}", getattr(np, name)(above))
        say(f"numpy.{kind}.power", np.power(above, wide))
        say(f"numpy.{kind}.sum", wide.sum(), wide.mean(), wide.std(), wide.cumsum())
        for size in (7, 64, 193):
            one = draw.rand(size, size).astype(kind)
            say(f"numpy.{kind}.matmul{size}", one @ one, one @ one[0], one[0] @ one[1])
        say(f"numpy.{kind}.solve", np.linalg.solve(one, one[0]), np.linalg.inv(one))
        say(f"numpy.{kind}.svd", *np.linalg.svd(one[:40, :40]))
        say(f"numpy.{kind}.fft", np.fft.fft(wide))


def operations():
    """TensorFlow's operations, by Eigen and oneDNN, and the same ones compiled by XLA."""
    import tensorflow as tf

    draw = np.random.RandomState(1)
    data = draw.rand(64, 65).astype("float32") * 10 + 0.01
    functions = {name: getattr(tf.math, name) for name in ELEMENTWISE.split()}
    functions["gelu"] = tf.nn.gelu
    functions["gelu.tanh"] = lambda x: tf.nn.gelu(x, approximate=True)
    functions["softmax"] = tf.nn.softmax
    functions["sum"] = tf.reduce_sum
    functions["variance"] = lambda x: tf.math.reduce_variance(x, 1)
    functions["matmul"] = lambda x: x @ tf.transpose(x)
    for kind in ("float32", "float64"):
        values = tf.constant(data.astype(kind))
        for name, function in functions.items():
            say(f"tensorflow.{kind}.{name}", function(values).numpy())
    half = tf.cast(data, tf.bfloat16)
    say("tensorflow.bfloat16.matmul", tf.cast(half @ tf.transpose(half), tf.float32).numpy())
    images = tf.constant(draw.rand(4, 16, 16, 8).astype("float32"))
    filters = tf.constant(draw.rand(3, 3, 8, 16).astype("float32"))
    say("tensorflow.float32.convolution", tf.nn.conv2d(images, filters, 1, "SAME").numpy())
    say("tensorflow.float32.pooling", tf.nn.avg_pool2d(images, 3, 2, "SAME").numpy())
    values = tf.constant(data)
    names = COMPILED.split()
    compiled = tf.function(lambda x: [functions[name](x) for name in names], jit_compile=True)
    for name, found in zip(names, compiled(values), strict=True):
        say(f"xla.{name}", found.numpy())


def models():
    """An epoch of four kinds of networks on the digits."""
    import keras
    from sklearn.datasets import load_digits

    layers = keras.layers
    images, labels = load_digits(return_X_y=True)
    images, labels = (images / 16).astype("float32").reshape(-1, 8, 8)[:SAMPLES], labels[:SAMPLES]

    def end():
        return layers.Dense(10, activation="softmax")

    def dense():
        return keras.Sequential([layers.Flatten(), layers.Dense(128, activation="relu"), end()])

    def convolution():
        first = [layers.Reshape((8, 8, 1)), layers.Conv2D(8, 3), layers.BatchNormalization()]
        return keras.Sequential([*first, layers.ReLU(), layers.Flatten(), end()])

    def lstm():
        return keras.Sequential([layers.LSTM(16), end()])

    def transformer():
        given = keras.Input((8, 8))
        start = layers.Dense(16)(given)
        seen = layers.MultiHeadAttention(2, 8)(start, start)
        middle = layers.LayerNormalization()(start + seen)
        inner = layers.Dense(16)(layers.Dense(32, activation="gelu")(middle))
        last = layers.LayerNormalization()(middle + inner)
        return keras.Model(given, end()(layers.Flatten()(last)))

    for make in (dense, convolution, lstm, transformer):
        keras.utils.set_random_seed(42)
        model = make()
        model.compile("adam", "sparse_categorical_crossentropy")
        past = model.fit(images, labels, epochs=1, batch_size=32, verbose=0).history
        say(f"model.{make.__name__}", *model.get_weights(), struct.pack("d", past["loss"][0]))


def example(program):
    """The example's training as it is: its words, and the weights of every network it made."""
    import keras

    made = []
    begin = keras.Sequential.__init__

    def keep(self, *words, **options):
        begin(self, *words, **options)
        made.append(self)

    keras.Sequential.__init__ = keep
    said = io.StringIO()
    words, sys.argv = sys.argv, [program]
    with contextlib.redirect_stdout(said):
        runpy.run_path(program, run_name="__main__")
    sys.argv = words
    keras.Sequential.__init__ = begin
    say("example.words", np.frombuffer(said.getvalue().encode(), "u1"))
    say("example.weights", *(each for model in made for each in model.get_weights()))


if __name__ == "__main__":
    libm()
    arrays()
    example(sys.argv[1])
    models()
    operations()

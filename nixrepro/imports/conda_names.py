"""What a conda package is outside of conda: a wheel, a Debian package, or neither."""

from __future__ import annotations

import re

from nixrepro.names import normalise

# Distributions that have another name where wheels are published.
_WHEELS = {
    "dask-core": "dask",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-blosc": "blosc",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-levenshtein": "levenshtein",
    "python-lmdb": "lmdb",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "seaborn-base": "seaborn",
    "tensorflow-mkl": "tensorflow",
}
# Their wheels count a fourth number of their own.
FINER = frozenset(("opencv-python",))
# What wheels look for outside of themselves.
NEEDS = {"opencv-python": ("libgl1", "libglib2.0-0")}

_DEBIAN = {
    "cxx-compiler": "g++",
    "c-compiler": "gcc",
    "curl": "curl",
    "ffmpeg": "ffmpeg",
    "fortran-compiler": "gfortran",
    "gcc": "gcc",
    "gcc-linux-64": "gcc",
    "gfortran": "gfortran",
    "git": "git",
    "git-lfs": "git-lfs",
    "graphviz": "graphviz",
    "gxx": "g++",
    "gxx-linux-64": "g++",
    "make": "make",
    "openmpi": "libopenmpi-dev",
    "wget": "wget",
}

_CUDA = "the wheels of an accelerator bring their own CUDA libraries (nvidia-...)"
_BLAS = "the wheels bring their own BLAS"
_BASE = "the base has its own"
_CONDA = "a part of conda's own"
_NONE = (
    (r"(cudatoolkit|cudnn|cupti|nccl|cutensor|cuda|cuda-.*|.*-dev-cuda|pytorch-cuda)", _CUDA),
    (r"(mkl|mkl-(service|include|fft|random)|blas|openblas|libblas|libcblas|liblapack)", _BLAS),
    (r"(intel-openmp|llvm-openmp|libopenblas.*|tbb|blas-devel)", _BLAS),
    (r"(.*-mutex|numpy-base|tensorflow-base|conda(-.*)?|mamba|nomkl|python-abi)", _CONDA),
    (r"(.*-ng|.*-linux-64|sysroot.*|kernel-headers.*|binutils.*|lib(?!rosa|sass|cst).*)", _BASE),
    (
        r"(ca-certificates|openssl|ncurses|readline|sqlite|tk|tzdata|xz|zlib|zstd|bzip2|bash|"
        r"expat|gettext|glib|icu|krb5|ld-impl.*|lz4-c|yaml|gmp|mpfr|perl|zip|unzip|pcre2?)",
        _BASE,
    ),
    (
        r"(jpeg|freetype|fontconfig|giflib|harfbuzz|lcms2|openjpeg|pixman|cairo|pango|qt|qt-main|"
        r"gstreamer|gst-plugins-base|x264|x265|lame|openh264|snappy|hdf5|boost-cpp|eigen|"
        r"arrow-cpp|grpc-cpp|abseil-cpp|re2|c-ares|aws-c-.*|aws-sdk-cpp|gflags|glog|orc|nodejs|"
        r"openjdk|gdal|geos|proj|r-.*|rust|go|mpi|mpich)",
        "no wheel: what a wheel needs of it, it brings; else name Debian's in base.packages",
    ),
    (r"pip", "the wheels are put together without it"),
)


def wheel(name: str) -> str:
    """The distribution's name."""
    return _WHEELS.get(normalise(name), normalise(name))


def debian(name: str) -> str:
    """The Debian package for a tool that has no wheel; "" for what is none."""
    return _DEBIAN.get(normalise(name), "")


def no_wheel(name: str) -> str:
    """Why there is no wheel to take for a package, "" where there is one, or may be."""
    plain = normalise(name.lstrip("_"))
    return next((reason for shape, reason in _NONE if re.fullmatch(shape, plain)), "")

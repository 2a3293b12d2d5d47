"""The libraries' own variables for the CPU of a table, where a virtual CPU may not be had.

They turn off what a library asks CPUID for. They are weaker, for much has no variable: the sizes
of caches, by which Eigen and others choose their blocks, and the bits of RSQRT and RCP.
"""

from __future__ import annotations

from . import cpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

# Source: glibc, sysdeps/x86/cpu-tunables.c; until 2.32 the functions go by names with `_Usable`.
_GLIBC = {
    "ssse3": "SSSE3", "sse4_1": "SSE4_1", "sse4_2": "SSE4_2", "popcnt": "POPCNT", "movbe": "MOVBE",
    "abm": "LZCNT", "bmi1": "BMI1", "bmi2": "BMI2", "avx": "AVX", "avx2": "AVX2", "fma": "FMA",
    "fma4": "FMA4", "avx512f": "AVX512F", "avx512cd": "AVX512CD", "avx512bw": "AVX512BW",
    "avx512dq": "AVX512DQ", "avx512vl": "AVX512VL", "avx512er": "AVX512ER", "avx512pf": "AVX512PF",
}  # fmt: skip
_USABLE = ("AVX", "AVX2", "FMA", "FMA4", "AVX512F", "AVX512DQ")
_GLIBC_WITHOUT_USABLE = (2, 33)

# Source: numpy, npy_cpu_features.c and docs, "CPU build options"; by which of them the published
# wheels choose was read from their __cpu_dispatch__ (1.23 to 2.4). Another one is a warning, and
# one of the baseline an error, so those are not here.
_SKX = "avx512f avx512cd avx512vl avx512bw avx512dq"
_ICL = f"{_SKX} avx512_vnni avx512ifma avx512vbmi avx512_vbmi2 avx512_bitalg avx512_vpopcntdq"
_NUMPY_OLD = {
    "SSSE3": "ssse3", "SSE41": "sse4_1", "POPCNT": "popcnt", "SSE42": "sse4_2", "AVX": "avx",
    "F16C": "f16c", "FMA3": "fma", "AVX2": "avx2", "AVX512F": "avx512f", "AVX512CD": "avx512cd",
    "AVX512_KNL": "avx512er avx512pf", "AVX512_KNM": "avx512_4fmaps avx512_4vnniw",
    "AVX512_SKX": _SKX, "AVX512_CLX": f"{_SKX} avx512_vnni",
    "AVX512_CNL": f"{_SKX} avx512ifma avx512vbmi", "AVX512_ICL": _ICL,
}  # fmt: skip
_SPR = {"AVX512_SPR": f"{_ICL} avx512_fp16"}
_NUMPY_WITH_SPR = (2, 3)
_NUMPY = {
    "X86_V3": "avx avx2 bmi1 bmi2 f16c fma abm movbe", "X86_V4": _SKX,
    "AVX512_ICL": f"{_ICL} vaes gfni vpclmulqdq", "AVX512_SPR": f"{_ICL} avx512_bf16 avx512_fp16",
}  # fmt: skip
_NUMPY_BY_LEVEL = (2, 4)

# The first of each whose features are all there. Source: OpenBLAS, driver/others/dynamic.c.
_OPENBLAS = (
    ("SapphireRapids", "avx512vl avx512_bf16 amx_bf16"), ("Cooperlake", "avx512vl avx512_bf16"),
    ("SkylakeX", "avx512vl"), ("Haswell", "avx2 fma"), ("Sandybridge", "avx"),
    ("Nehalem", "sse4_2"), ("Penryn", "sse4_1"), ("Core2", "ssse3"), ("Prescott", ""),
)  # fmt: skip
_OPENBLAS_OF_AMD = {"Haswell": "Zen", "Sandybridge": "Bulldozer", "Nehalem": "Barcelona"}
_AMD = ("AuthenticAMD", "HygonGenuine")
# Source: oneDNN, "CPU Dispatcher Control".
_ONEDNN = (
    ("AVX512_CORE_AMX_FP16", "amx_fp16 avx512_fp16"),
    ("AVX512_CORE_AMX", "amx_int8 amx_bf16 avx512_fp16"),
    ("AVX512_CORE_FP16", "avx512_fp16 avx512_bf16"), ("AVX512_CORE_BF16", "avx512_bf16 avx512bw"),
    ("AVX512_CORE_VNNI", f"{_SKX} avx512_vnni"), ("AVX512_CORE", _SKX),
    ("AVX2_VNNI_2", "avx_vnni avx_vnni_int8 avx_ne_convert"), ("AVX2_VNNI", "avx2 avx_vnni"),
    ("AVX2", "avx2"), ("AVX", "avx"), ("SSE41", ""),
)  # fmt: skip
# Source: XLA, cpu_features of its CPU backend: each stands for a CPU that has all before it too.
_XLA = (
    ("AMX_FP16", "amx_fp16"), ("AMX", "amx_bf16 amx_int8"), ("AVX512_BF16", "avx512_bf16"),
    ("AVX512_VNNI", "avx512_vnni"), ("AVX512", _SKX), ("AVX2", "avx2 fma"), ("AVX", "avx"),
    ("SSE4_2", ""),
)  # fmt: skip
# XLA ends a program that names a flag it does not know: TensorFlow's wheel of 2.19 knows it, of
# 2.18 not; jaxlib's of 0.5 does. All of these read one variable.
_XLA_SINCE = {
    "tensorflow": (2, 19), "tensorflow-cpu": (2, 19), "tensorflow-intel": (2, 19),
    "jaxlib": (0, 5),
}  # fmt: skip
# Source: TensorFlow, core/util/util.cc, IsMklEnabled: on by itself where one of these is.
_TENSORFLOW = ("tensorflow", "tensorflow-cpu", "tensorflow-intel")
_ONEDNN_BY_ITSELF = frozenset(
    ("avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16")
)

# By one that a project states: ours that it rules out. numpy refuses both of its own, and oneDNN
# would not look at the older name.
_RULED_OUT = {
    "NPY_ENABLE_CPU_FEATURES": "NPY_DISABLE_CPU_FEATURES",
    "DNNL_MAX_CPU_ISA": "ONEDNN_MAX_CPU_ISA",
}
_HWCAPS = "glibc.cpu.hwcaps="


def variables(
    lines: Iterable[str], layers: Mapping[str, Any], stated: Mapping[str, str]
) -> dict[str, str]:
    """What makes the libraries of an environment compute as on another CPU, as far as they let one.

    Args:
        lines: the CPU's table.
        layers: the environment's packages, for their versions.
        stated: the variables that the project states itself.
    """
    lines = list(lines)
    there = cpu.features(lines)
    found = _of_libraries(there, cpu.vendor(lines), _versions(layers))
    for name, value in stated.items():
        if value:
            found.pop(_RULED_OUT.get(name, ""), None)
        if name in found:
            found[name] = _joined(name, found[name], value)
    return found


def _joined(name: str, ours: str, theirs: str) -> str:
    """Ours and a project's own value where both go together; else its own."""
    if name == "XLA_FLAGS" and theirs:
        return f"{ours} {theirs}"
    if name == "GLIBC_TUNABLES" and theirs:
        parts = theirs.split(":")
        # Of several the C library takes the last one alone.
        caps = [part[len(_HWCAPS) :] for part in parts if part.startswith(_HWCAPS)][-1:]
        rest = [part for part in parts if not part.startswith(_HWCAPS)]
        return ":".join([",".join([ours, *filter(None, caps)]), *rest])
    return theirs


def _of_libraries(
    there: frozenset[str], vendor: str, versions: Mapping[str, tuple[int, ...]]
) -> dict[str, str]:
    found = {}
    if off := _glibc(there, versions.get("libc6", ())):
        found["GLIBC_TUNABLES"] = _HWCAPS + ",".join(f"-{name}" for name in off)
    if "numpy" in versions and (off := _numpy(there, versions["numpy"])):
        found["NPY_DISABLE_CPU_FEATURES"] = " ".join(off)
    core = _first(_OPENBLAS, there)
    found["OPENBLAS_CORETYPE"] = _OPENBLAS_OF_AMD.get(core, core) if vendor in _AMD else core
    found["ONEDNN_MAX_CPU_ISA"] = _first(_ONEDNN, there)
    if any(name in versions for name in _TENSORFLOW):
        found["TF_ENABLE_ONEDNN_OPTS"] = "1" if there & _ONEDNN_BY_ITSELF else "0"
    reading = [versions[name] >= _XLA_SINCE[name] for name in _XLA_SINCE if name in versions]
    if reading and all(reading):
        found["XLA_FLAGS"] = f"--xla_cpu_max_isa={_first(_XLA, there)}"
    return found


def _glibc(there: frozenset[str], version: tuple[int, ...]) -> list[str]:
    off = [theirs for name, theirs in _GLIBC.items() if name not in there]
    if version and version < _GLIBC_WITHOUT_USABLE:
        off += [f"{name}_Usable" for name in _USABLE if name in off]
    return off


def _numpy(there: frozenset[str], version: tuple[int, ...]) -> list[str]:
    if version >= _NUMPY_BY_LEVEL:
        groups = _NUMPY
    else:
        groups = {**_NUMPY_OLD, **_SPR} if version >= _NUMPY_WITH_SPR else _NUMPY_OLD
    return [name for name, needs in groups.items() if not there.issuperset(needs.split())]


def _first(choices: Iterable[tuple[str, str]], there: frozenset[str]) -> str:
    return next(name for name, needs in choices if there.issuperset(needs.split()))


def _versions(layers: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The first two numbers of each package's version."""
    found = {}
    for layer in ("system", "wheels"):
        for package in layers.get(layer, []):
            parts = str(package["version"]).split(":")[-1].split("-")[0].split(".")[:2]
            digits = ["".join(c for c in part if c.isdigit()) for part in parts]
            found[str(package["name"])] = tuple(int(part) for part in digits if part)
    return found

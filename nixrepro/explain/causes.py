"""Orders differences by how likely they are the cause, each with its reasons in words; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nixrepro.explain.model import CODE, CORES, CPU, GPU, Cause, Unit, said
from nixrepro.record_text import TELLING

# What is left of a number when it was rounded in another order: less than any change that was
# meant makes.
ROUNDING = 1e-4
# What says what is to be computed, and what decides how it is rounded.
STATED, ROUNDED = "stated", "rounded"
_WEIGHTS = {
    "settings.seed": 90,
    "settings.command": 85,
    "data": 75,
    CODE: 70,
    "settings.deterministic": 60,
    "settings.folder": 55,
    GPU: 52,
    CPU: 50,
    "settings.numerics.threads": 49,
    "settings.numerics": 48,
    "accelerator": 47,
    CORES: 40,
    "wheels": 30,
    "system": 20,
    "settings.variables": 40,
    "settings.passed": 25,
}
# Names that reach how a library computes, by their beginnings.
_NUMERIC = re.compile("TF_|XLA_|OMP_|MKL_|OPENBLAS_|ONEDNN_|DNNL_|NPY_|GLIBC_TUNABLES|KMP_|CUDA_")
# Which packages, by the beginnings of their names, hold the functions of which library of a probe.
_OWNERS = {
    "libm": ("libc6",),
    "numpy": ("numpy",),
    "blas": ("numpy", "scipy", "libblas", "libopenblas"),
    "lapack": ("numpy", "scipy", "liblapack", "libopenblas"),
    "onednn": ("tensorflow",),
    "eigen": ("tensorflow",),
    "xla": ("tensorflow",),
    "cpu": (),
}


@dataclass(frozen=True)
class Seen:
    """What is known of how the numbers differ.

    Args:
        where: the first place; "" where none is known.
        apart: the relative difference of the first number that differs; None where none is known.
        first: whether that is at the first step of all.
        probed: whether both runs' arithmetic was probed.
        functions: the names of the probe's functions that differ.
    """

    where: str = ""
    apart: float | None = None
    first: bool = False
    probed: bool = False
    functions: tuple[str, ...] = ()


def likely(units: Iterable[Unit], seen: Seen) -> tuple[Cause, ...]:
    """The differences, likeliest first; which comes first changes no answer, only the work."""
    found = [_weighed(unit, seen) for unit in units]
    return tuple(sorted(found, key=lambda cause: (-cause.weight, cause.unit.key)))


def _weighed(unit: Unit, seen: Seen) -> Cause:
    weight, reasons = _weight(unit), []
    sort = kind(unit)
    if seen.apart is not None:
        small = seen.apart < ROUNDING
        if small or seen.first:  # later on, what began as rounding has grown
            fits = small == (sort == ROUNDED)
            weight += 60 if fits else -60
            reasons += [_apart(seen)] if fits else []
    if seen.probed and sort == ROUNDED and unit.key not in _UNPROBED:
        own = _own(unit, seen.functions)
        if own:
            weight += 50
            verb = "gives" if len(own) == 1 else "give"
            reasons.append(f"{_some(own)} {verb} other results in the two probes")
        elif not seen.functions:
            weight -= 40
            reasons.append("both probes are the same")
    return Cause(unit, weight, tuple(reasons))


# No probe sees these: it runs on one thread, or none of its functions goes by them.
_UNPROBED = (GPU, CORES, "settings.numerics.threads", "settings.deterministic")


def apart(a: str, b: str) -> float | None:
    """How far two values are apart, relative to the larger; None where they are no numbers."""
    try:
        one, two = float(a), float(b)
    except ValueError:
        return None
    if not (math.isfinite(one) and math.isfinite(two)):
        return None
    return abs(one - two) / max(abs(one), abs(two)) if one != two else 0.0


def kind(unit: Unit) -> str:
    """Whether it says what is computed, or decides how that is rounded."""
    if unit.layer in ("code", "data"):
        return STATED
    if unit.layer != "settings":
        return ROUNDED
    name = unit.key.removeprefix("settings.")
    if name.startswith(("numerics", "deterministic")):
        return ROUNDED
    name = name.removeprefix("variables.")
    return ROUNDED if _NUMERIC.match(name) else STATED


def _weight(unit: Unit) -> int:
    key = unit.key
    while key not in _WEIGHTS and "." in key:
        key = key.rpartition(".")[0]
    base = _WEIGHTS.get(key, _WEIGHTS.get(unit.layer, 10))
    telling = any(name in TELLING for name in (unit.label.partition(" ")[0], *unit.more))
    return base + (15 if telling and unit.layer in ("system", "wheels") else 0)


def _own(unit: Unit, functions: Sequence[str]) -> list[str]:
    """Of the functions that differ those that this difference can account for."""
    if unit.key == CPU or unit.layer == "settings":
        return list(functions)
    names = (unit.label.partition(" ")[0], *unit.more)
    return [
        each
        for each in functions
        if any(name.startswith(_OWNERS.get(each.partition(".")[0], ())) for name in names)
    ]


def _some(functions: Sequence[str]) -> str:
    libraries = list(dict.fromkeys(each.partition(".")[0] for each in functions))
    if len(functions) == 1:
        return functions[0]
    return f"{len(functions)} functions of {said(libraries)}"


def _apart(seen: Seen) -> str:
    small = (seen.apart or 0.0) < ROUNDING
    what = f"the first number that differs is {seen.apart:.1g} off"
    return f"{what}: that is rounding" if small else f"{what}: that is no rounding"

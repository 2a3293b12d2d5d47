"""Compares two probes function by function; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

UNKNOWN = "unknown"
# Two libraries that TensorFlow has for one operation; a probe names the one that computed it.
_ONEDNN, _EIGEN = "onednn.", "eigen."


class Differing(NamedTuple):
    """One function whose results two probes have otherwise.

    Attributes:
        name: dotted, its library first, such as `libm.erf`. An operation of TensorFlow that only
            one of them has from oneDNN is called so, such as `onednn.float32.conv2d`.
        a: what one probe says of it, such as `{"digest": "...", "ulp": 0.52}`; None where it
            knows no such function.
        b: what the other says.
    """

    name: str
    a: dict[str, Any] | None
    b: dict[str, Any] | None

    @property
    def library(self) -> str:
        """What computes it: `libm`, `numpy`, `blas`, `onednn`, `cpu`, ..."""
        return self.name.partition(".")[0]


def compare(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Differing, ...]:
    """The functions that two probes differ in, by name; none where one of them is unknown.

    Args:
        a: a record's `probe`, or what `nixrepro probe --json` said.
        b: another one. `reason` says why one of them can't be compared.
    """
    if reason(a) or reason(b):
        return ()
    one, two = _aligned(a, b)
    return tuple(
        Differing(name, one.get(name), two.get(name))
        for name in sorted({*one, *two})
        if not _same(one.get(name), two.get(name))
    )


def unsaid(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, str]:
    """By name, why neither of two probes knows something that both have: it is not compared.

    Args:
        a: as `compare` takes them.
        b: the other one.
    """
    if reason(a) or reason(b):
        return {}
    one, two = a["functions"], b["functions"]
    both = sorted(one.keys() & two.keys())
    return {
        name: str(one[name][UNKNOWN])
        for name in both
        if UNKNOWN in one[name] and UNKNOWN in two[name]
    }


def compared(a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
    """How many functions of two probes could be compared; 0 where nothing can be said."""
    if reason(a) or reason(b):
        return 0
    return len({*_aligned(a, b)[0], *_aligned(a, b)[1]}) - len(unsaid(a, b))


def reason(probe: Mapping[str, Any] | None) -> str:
    """Why nothing can be compared with a probe; "" where something can."""
    if not probe:
        return "it has no probe"
    if UNKNOWN in probe:
        return str(probe[UNKNOWN])
    return "" if isinstance(probe.get("functions"), dict) else "it is no probe"


def _aligned(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    one, two = a["functions"], b["functions"]
    return _named_alike(one, two), _named_alike(two, one)


def _named_alike(functions: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """One probe's functions, where the other had an operation from oneDNN under that name."""
    found = {}
    for name, said in functions.items():
        other = _ONEDNN + name[len(_EIGEN) :]
        alike = name.startswith(_EIGEN) and other in others and other not in functions
        found[other if alike else name] = said
    return found


def _same(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> bool:
    """Whether both give the same bytes; of two that are both unknown `unsaid` tells."""
    if a is None or b is None:
        return a is b
    return a.get("digest") == b.get("digest")

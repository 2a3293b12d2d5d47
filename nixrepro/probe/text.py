"""Says a probe, and what two of them differ in, in 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nixrepro.probe.compare import Differing, compared, reason, unsaid
from nixrepro.probe.sides import Side

# How functions of one name for two types are told apart, wider one first.
_TYPES = ("float64", "float32")
_ABOUT = {
    "cpu": "approximate instructions",
    "libm": "the C library",
    "numpy": "numpy's own loops",
    "blas": "the BLAS that numpy brings",
    "lapack": "the LAPACK that numpy brings",
    "eigen": "TensorFlow's kernels of Eigen",
    "onednn": "TensorFlow's kernels with code of oneDNN",
    "xla": "code that XLA makes",
}
_HUGE, _LARGE = 1e6, 100
_DIGEST, _ULP = 12, 6


def lines(side: Side) -> Iterator[str]:
    """One probe, library by library; each function's digest and error, for both types."""
    if why := reason(side.probe):
        yield f"{side.about}: {why}"
        return
    functions = side.probe["functions"]
    yield side.about
    yield f"probe {side.probe['digest'][:_DIGEST]}, {len(functions)} functions"
    for library, rows in _libraries(functions).items():
        yield ""
        yield _head(library, rows)
        for name, types in sorted(rows.items()):
            cells = [_cell(types.get(kind)) for kind in ("", *_TYPES) if _has(rows, kind)]
            yield f"  {name:<24}{'  '.join(cells)}".rstrip()
            for said in types.values():
                yield from (f"    by {kernel}" for kernel in said.get("by", ()))


def differences(a: Side, b: Side, found: Sequence[Differing]) -> Iterator[str]:
    """What two probes differ in.

    Args:
        a: one.
        b: the other.
        found: the functions that differ.
    """
    yield f"A  {a.about}"
    yield f"B  {b.about}"
    for name, side in (("A", a), ("B", b)):
        if why := reason(side.probe):
            yield f"can't be compared: {name}: {why}"
            return
    count = compared(a.probe, b.probe)
    for name, why in unsaid(a.probe, b.probe).items():
        yield f"not compared: {name}, which neither knows: {why}"
    if not count:
        yield "can't be compared: there is no function that one of them knows"
        return
    if not found:
        yield f"all {count} functions give the same bytes"
        return
    width = max(len(each.name) for each in found)
    yield ""
    yield f"{'':<{width}}  {'A':<{_DIGEST + 1 + _ULP}}  B".rstrip()
    for each in found:
        yield f"{each.name:<{width}}  {_cell(each.a)}  {_cell(each.b)}".rstrip()
        one, two = (", ".join((side or {}).get("by", ())) for side in (each.a, each.b))
        if one != two:
            yield f"    by {one or 'none of oneDNN'}"
            yield f"    and {two or 'none of oneDNN'}"
    many = Counter(each.library for each in found)
    yield ""
    yield f"{len(found)} of {count} functions differ: " + ", ".join(
        f"{library} {number}" for library, number in many.items()
    )


def _libraries(functions: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """By library and name without its type: what each type's function gave."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    order = list(_ABOUT)
    for name in sorted(functions, key=lambda each: (_place(order, each), each)):
        library, _, rest = name.partition(".")
        kind, _, own = rest.partition(".")
        if kind not in _TYPES:
            kind, own = "", rest or library
            if library == "libm":
                single = own.endswith("f") and own[:-1] in found.get(library, {})
                kind, own = (_TYPES[1], own[:-1]) if single else (_TYPES[0], own)
        found.setdefault(library, {}).setdefault(own, {})[kind] = functions[name]
    return found


def _place(order: Sequence[str], name: str) -> int:
    library = name.partition(".")[0]
    return order.index(library) if library in order else len(order)


def _has(rows: Mapping[str, Mapping[str, Any]], kind: str) -> bool:
    return any(kind in types for types in rows.values())


def _head(library: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    title = f"{library}  {_ABOUT.get(library, '')}".rstrip()
    kinds = [kind for kind in ("", *_TYPES) if _has(rows, kind)]
    if kinds == [""]:
        return f"{title:<{26 + _DIGEST}}    ulp"
    cells = [f"{kind:<{_DIGEST}} {'ulp':>{_ULP}}" for kind in kinds]
    if len(title) < len(f"  {'':<24}"):
        return f"{title:<26}{'  '.join(cells)}"
    return f"{title}\n{'':<26}{'  '.join(cells)}"


def _cell(said: Mapping[str, Any] | None) -> str:
    """Digest and error of one function, always as wide."""
    if said is None:
        return f"{'-':<{_DIGEST}} {'':>{_ULP}}"
    if "unknown" in said:
        return f"unknown: {said['unknown']}"
    return f"{said['digest']:<{_DIGEST}} {_ulp(said.get('ulp')):>{_ULP}}"


def _ulp(value: float | None) -> str:
    if value is None:
        return ""
    if value >= _HUGE:
        return f"{value:.0e}"
    return f"{value:.0f}" if value >= _LARGE else f"{value:.2f}"

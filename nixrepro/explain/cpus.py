"""CPUs in words: what two tables differ in, and whether one machine can stand in for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nixrepro.explain.model import CPU, Unit
from nixrepro.explain.sides import Side
from nixrepro.runtime import cpu as tables
from nixrepro.runtime.numerics import BY_VCPU

# From the strongest down: what a person calls a CPU's vector instructions.
_VECTORS = (("avx512f", "AVX-512"), ("avx2", "AVX2"), ("avx", "AVX"), ("sse4_2", "SSE4.2"))
_SHOWN = 4
_TOLD = ("vendor", "model", "flags")


def cpu(a: Side, b: Side, here: tuple[str, ...], lack: str = "") -> Iterator[Unit]:
    """The difference of two runs' CPUs, as one unit.

    Args:
        a: the first run.
        b: the second run.
        here: this machine's, as `vcpu --show` says it.
        lack: why no virtual CPU can be made; "" where one can.
    """
    if all(_virtual(side) for side in (a, b)):
        return  # whatever the machine has, the profile answers
    if a.table and b.table:
        if a.table != b.table:
            reason = barrier(b.table, here, lack)
            yield Unit("hardware", CPU, "the CPU", *_named(a, b), reason, more=told(a, b))
        return
    old, new = (_facts(side) for side in (a, b))
    if any(old[key] != new[key] for key in _TOLD if key in old and key in new):
        without = " and ".join(side.name for side in (a, b) if not side.table)
        reason = f"the record of {without} holds no answers of CPUID"
        yield Unit("hardware", CPU, "the CPU", *_named(a, b), reason)


def barrier(wanted: Sequence[str], here: Sequence[str], lack: str = "") -> str:
    """Why this machine can't stand in for a CPU; "" where it can.

    Args:
        wanted: that CPU.
        here: this machine's.
        lack: why no virtual CPU can be made; "" where one can.
    """
    if tuple(wanted) == tuple(here) or not wanted:
        return ""
    if not here:
        return "what this machine's CPU answers is not known"
    lacking = tables.lacking(list(wanted), list(here))
    if not lacking:
        return lack
    more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
    return f"this machine's CPU lacks {', '.join(lacking[:_SHOWN])}{more}"


def words(side: Side) -> str:
    """A run's CPU in a few words."""
    facts = _facts(side)
    name = tables.named(list(side.table)) if side.table else facts.get("model")
    flags = tables.features(list(side.table)) if side.table else facts.get("flags", ())
    vector = next((said for flag, said in _VECTORS if flag in flags), "")
    name = " ".join(str(name).replace("(R)", "").replace("(TM)", "").split()) or "unnamed"
    return f"{name}, {vector}" if vector else name


def told(a: Side, b: Side) -> tuple[str, ...]:
    """What two tables differ in: features, and how many answers of CPUID."""
    old, new = (tables.features(list(side.table)) for side in (a, b))
    return (*(f"-{name}" for name in sorted(old - new)), *(f"+{n}" for n in sorted(new - old)))


def _named(a: Side, b: Side) -> tuple[str, str]:
    old, new = words(a), words(b)
    # Of one name are, for instance, the virtual machines of one host that differ in caches.
    return (old, new) if old != new else (f"one {old}", "another")


def _facts(side: Side) -> dict[str, Any]:
    found = {key: value for key, value in side.cpu.items() if not isinstance(value, dict)}
    if not isinstance(found.get("flags", []), list):
        del found["flags"]
    return found


def _virtual(side: Side) -> bool:
    return side.by == BY_VCPU

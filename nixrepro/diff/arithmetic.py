"""CPUs and probes in a line each: what two tables of CPUID, or two fingerprints, differ in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nixrepro.runtime import cpu

TABLE = "cpu.table"
_SHOWN = 6


def tables(old: Sequence[str], new: Sequence[str]) -> str:
    """What differs between the answers that two CPUs give to CPUID."""
    was, now = (_leaves(lines) for lines in (old, new))
    leaves = was.keys() | now.keys()
    other = sum(was.get(leaf) != now.get(leaf) for leaf in leaves)
    before, after = cpu.features(old), cpu.features(new)
    parts = [f"{other} of {len(leaves)} answers of CPUID differ"]
    if lacks := sorted(before - after):
        parts.append(f"lacks {_some(lacks)}")
    if gains := sorted(after - before):
        parts.append(f"has {_some(gains)} besides")
    if not lacks and not gains:
        parts.append("no feature does")
    return "; ".join(parts)


def functions(names: Iterable[str]) -> list[str]:
    """The functions of a probe that differ, a line for each library."""
    groups: dict[str, list[str]] = {}
    for name in names:
        library, _, function = name.partition(".")
        groups.setdefault(library, []).append(function)
    return [f"{library}: {_some(found)}" for library, found in groups.items()]


def _leaves(lines: Sequence[str]) -> dict[str, str]:
    split = (line.split(maxsplit=2) for line in lines)
    return {f"{leaf} {subleaf}": answers for leaf, subleaf, answers in split}


def _some(names: Sequence[str]) -> str:
    if len(names) <= _SHOWN + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"

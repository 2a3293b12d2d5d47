"""The numerics profile of a run: on which CPU it computes, and with how many threads."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

NATIVE, PORTABLE = "native", "portable"
PROFILES = (NATIVE, PORTABLE)
# The tables in nix/vcpu/cpus.
CPUS = ("epyc-milan", "haswell", "skylake", "x86-64-v2", "x86-64-v3", "x86-64-v4")
# Of the portable profile, where none is stated: the same number on every machine.
THREADS = 4
# How many threads share a sum decides in which order it is added.
VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
)  # fmt: skip


def threads(settings: Mapping[str, Any]) -> dict[str, str]:
    """The variables that fix the number of threads; none where the machine decides."""
    number = settings.get("numerics", {}).get("threads", 0)
    return dict.fromkeys(VARIABLES, str(number)) if number else {}


def started(
    settings: Mapping[str, Any], path: str, argv: Sequence[str]
) -> tuple[str, Sequence[str]]:
    """What to start in place of a program, so that it computes as the profile says: file and words.

    Args:
        settings: the settings file's table.
        path: the program's file.
        argv: its name and arguments.
    """
    stated = settings.get("numerics", {})
    if stated.get("profile") != PORTABLE:
        return path, argv
    vcpu = [stated["vcpu"], "--exact", "--sites", stated["sites"], "--cpu", stated["cpu"]]
    return vcpu[0], [*vcpu, "--", path, *argv[1:]]


def recorded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the record's settings layer says of it; empty where the machine decides all."""
    stated = settings.get("numerics", {})
    if stated.get("profile") != PORTABLE:
        return {"threads": stated["threads"]} if stated.get("threads") else {}
    kept = {name: stated[name] for name in ("profile", "cpu", "threads")}
    return {**kept, "vcpu": os.path.dirname(os.path.dirname(stated["vcpu"]))}

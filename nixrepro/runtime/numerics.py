"""The numerics profile of a run: on which CPU it computes, and with how many threads."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .spawn import Reading

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
# What computes on another CPU than the machine's: vcpu, or where that can't be the variables.
BY_VCPU, BY_VARIABLES = "vcpu", "variables"
# How `vcpu --can` says that nothing may be traced here; the CPU's own lacks it says otherwise.
_CANNOT = 1


def threads(settings: Mapping[str, Any]) -> dict[str, str]:
    """The variables that fix the number of threads; none where the machine decides."""
    number = settings.get("numerics", {}).get("threads", 0)
    return dict.fromkeys(VARIABLES, str(number)) if number else {}


def ask(settings: Mapping[str, Any], mask: Iterable[int] = ()) -> Reading | None:
    """Begin to ask whether a virtual CPU can be had here, which takes some milliseconds.

    Args:
        settings: the settings file's table.
        mask: the signals blocked in what is asked.

    Returns:
        None where none is wanted; else what `settled` waits for.
    """
    words = _virtual(settings)
    if not words:
        return None
    from .spawn import Reading

    try:
        return Reading([words[0], "--can", *words[1:]], {}, mask=mask)
    except OSError:
        return None  # the same will be said when the program is started


def settled(
    settings: dict[str, Any], asked: Reading | None, layers: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings by what a machine can do: where nothing may be traced, variables stand in.

    Args:
        settings: the settings file's table.
        asked: what `ask` gave.
        layers: the environment's packages, for their versions.
    """
    if asked is None:
        return settings
    status, said = asked.finish()
    if status != _CANNOT:
        return settings  # what else there is against it, vcpu says itself, and starts nothing
    from . import weaker

    stated = settings["numerics"]
    instead = weaker.variables(_table(stated), layers, settings.get("variables", {}))
    reason = said.decode("utf-8", "replace").strip()
    return {**settings, "numerics": {**stated, "weaker": reason, "variables": instead}}


def instead(settings: Mapping[str, Any]) -> dict[str, str]:
    """The variables that stand in for a virtual CPU; none where there is one, or none is wanted."""
    found: dict[str, str] = settings.get("numerics", {}).get("variables", {})
    return found


def warning(settings: Mapping[str, Any]) -> str:
    """What a person must know before the run; an empty text where there is nothing."""
    stated = settings.get("numerics", {})
    if not stated.get("weaker"):
        return ""
    cpu = stated.get("cpu") or stated.get("table")
    return (
        f"no virtual CPU ({stated['weaker']}): the libraries' own variables stand in for {cpu}, "
        "which is weaker, and another experiment"
    )


def started(
    settings: Mapping[str, Any], path: str, argv: Sequence[str]
) -> tuple[str, Sequence[str]]:
    """What to start in place of a program, so that it computes as the profile says: file and words.

    Args:
        settings: the settings file's table, settled.
        path: the program's file.
        argv: its name and arguments.
    """
    words = _virtual(settings)
    if not words or settings["numerics"].get("weaker"):
        return path, argv
    return words[0], [*words, "--", path, *argv[1:]]


def recorded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the record's settings layer says of it; empty where the machine decides all.

    Args:
        settings: the settings file's table, settled.
    """
    stated = settings.get("numerics", {})
    if not _virtual(settings):
        return {"threads": stated["threads"]} if stated.get("threads") else {}
    kept = {name: stated[name] for name in ("profile", "cpu", "threads") if stated.get(name)}
    if stated.get("table"):
        kept["table"] = _digest(stated)
    if stated.get("weaker"):
        part = {name: stated[name] for name in ("weaker", "variables")}
        return {**kept, "by": BY_VARIABLES, **part}
    return {**kept, "by": BY_VCPU, "vcpu": os.path.dirname(os.path.dirname(stated["vcpu"]))}


def _virtual(settings: Mapping[str, Any]) -> list[str]:
    """How vcpu is to be started, without what it starts; empty where no virtual CPU is wanted."""
    stated = settings.get("numerics", {})
    portable = stated.get("profile") == PORTABLE
    if not portable and not stated.get("table"):
        return []
    words = [stated["vcpu"]]
    if portable:
        words.append("--exact")
    if stated.get("sites"):
        words += ["--sites", stated["sites"]]
    if stated.get("table"):
        return [*words, "--table", stated["table"]]
    return [*words, "--cpu", stated["cpu"]]


def _table(stated: Mapping[str, Any]) -> list[str]:
    """The lines of the table that is wanted; none where it can't be read, which vcpu says."""
    from . import cpu

    root = os.path.dirname(os.path.dirname(stated["vcpu"]))
    path = stated.get("table") or os.path.join(root, "share", "vcpu", f"{stated['cpu']}.cpu")
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return cpu.parse(stream.read())
    except (OSError, ValueError):
        return []


def _digest(stated: Mapping[str, Any]) -> Any:
    from . import cpu

    lines = _table(stated)
    return cpu.digest(lines) if lines else {"unknown": "the table can't be read"}

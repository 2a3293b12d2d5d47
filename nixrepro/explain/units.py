"""From two runs to the differences that can be taken over one by one; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nixrepro.diff.model import Difference, Unknown
from nixrepro.diff.names import flat
from nixrepro.explain.code import changed
from nixrepro.explain.cpus import cpu
from nixrepro.explain.datas import data
from nixrepro.explain.here import Here
from nixrepro.explain.model import CODE, CORES, GPU, Unit, said
from nixrepro.explain.sides import Side
from nixrepro.repeat.virtual import stated

# What each run has for itself, and what is a fact of the machine and computes nothing.
FACTS = ("kernel", "memory", "hypervisor", "cpu.microcode", "cpu.cores.online", "cpu.cores.quota")


def units(
    a: Side,
    b: Side,
    difference: Difference,
    packages: Iterable[Unit],
    here: Here,
    lack: str = "",
) -> tuple[Unit, ...]:
    """All differences between two runs that may make their numbers differ.

    Args:
        a: the first run.
        b: the second run.
        difference: what `nixrepro diff` found.
        packages: the differences of their locks.
        here: this machine.
        lack: why no virtual CPU can be made; "" where one can.
    """
    found = [*cpu(a, b, here.table, lack), *_cores(a, b, here.cores), *_gpu(a, b)]
    found += _packages(a, b, packages)
    return (*found, *data(a, b), *_code(a, b, difference), *_settings(a, b))


def facts(difference: Difference) -> tuple[str, ...]:
    """What differs of the machines, and is no cause of other numbers by itself."""
    (hardware,) = (part for part in difference.parts if part.layer == "hardware")
    return tuple(c.subject for c in hardware.changes if c.subject.startswith(FACTS))


def _cores(a: Side, b: Side, here: int) -> Iterator[Unit]:
    old, new = a.cores, b.cores
    if not old or not new or old == new:
        return
    if all(stated(side.settings.get("numerics") or {}).get("threads") for side in (a, b)):
        return
    reason = f"here are {here}" if new > here else ""
    yield Unit("hardware", CORES, "the number of processors", str(old), str(new), reason)


def _gpu(a: Side, b: Side) -> Iterator[Unit]:
    tables = (side.hardware.get("gpu") for side in (a, b))
    old, new = (flat(each if isinstance(each, dict) else {}) for each in tables)
    keys = [
        key
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
        and not any(isinstance(each.get(key), Unknown) for each in (old, new))
    ]
    if keys:
        reason = "no GPU, and no driver, can be taken from a record"
        yield Unit("hardware", GPU, "the GPU or its driver", blocked=reason, more=tuple(keys))


def _packages(a: Side, b: Side, packages: Iterable[Unit]) -> Iterator[Unit]:
    if a.lock is not None and b.lock is not None:
        yield from packages
        return
    reason = "; ".join(f"{side.name}: {side.gap}" for side in (a, b) if side.gap)
    for layer in ("system", "accelerator", "wheels"):
        old, new = (_named(side.layers.get(layer)) for side in (a, b))
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        if len(names) == 1:
            (name,) = names
            was, now = (each.get(name, ("none", ""))[0] for each in (old, new))
            yield Unit(layer, layer, name, was, now, reason)
        elif names:
            label = f"{len(names)} packages of the {layer} layer"
            yield Unit(layer, layer, label, blocked=reason, more=tuple(names))


def _named(entries: Any) -> dict[str, tuple[str, str]]:
    if not isinstance(entries, list):
        return {}
    return {each["name"]: (str(each.get("version", "")), each["sha256"]) for each in entries}


def _code(a: Side, b: Side, difference: Difference) -> Iterator[Unit]:
    (part,) = (part for part in difference.parts if part.layer == CODE)
    large = tuple(change.subject for change in part.changes if change.subject != "tree")
    known = not any(change.subject == "tree" for change in part.changes) or part.text
    files = (*changed(part.text, a, b), *large)
    reason = next((f"{side.name}: {side.gap}" for side in (a, b) if side.gap), "")
    if files:
        yield Unit("code", CODE, "the code", _marked(files, a, b), "", reason, more=files)
    elif not known:
        yield Unit("code", CODE, "the code", blocked=reason)
    elif part.unknown:
        yield Unit("code", CODE, "the code", "not known", blocked=part.unknown[0][1])


def _marked(files: Sequence[str], a: Side, b: Side) -> str:
    """Files by name, and which of them were not committed as they were."""
    marks = [
        " and ".join(side.name for side in (a, b) if file in side.uncommitted) for file in files
    ]
    if len(set(marks)) == 1:
        return said(files) + (f", not committed in {marks[0]}" if marks[0] else "")
    pairs = zip(files, marks, strict=True)
    return said(f"{file} [not committed in {mark}]" if mark else file for file, mark in pairs)


def _settings(a: Side, b: Side) -> Iterator[Unit]:
    old, new = _plain(a.settings), _plain(b.settings)
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key, "none"), new.get(key, "none")
        if was != now:
            label = _LABELS.get(key, key.partition(".")[2] or key)
            yield Unit("settings", f"settings.{key}", label, was, now)
    if a.by and b.by and a.by != b.by:
        weaker = [str((each.settings.get("numerics") or {}).get("weaker", "")) for each in (a, b)]
        why = next(filter(None, weaker), "not recorded")
        reason = f"variables stand in for the CPU where no program may be traced ({why})"
        label = "what stands in for the CPU"
        yield Unit("settings", "settings.numerics.by", label, a.by, b.by, reason)
    passed = [side.settings.get("passed") or {} for side in (a, b)]
    for name in sorted(passed[0].keys() | passed[1].keys()):
        was, now = passed[0].get(name, "none"), passed[1].get(name, "none")
        if was != now:
            # Not to have it can be tried; what it was is not recorded.
            reason = "" if now == "none" else "of a variable that passes only a digest is recorded"
            label = f"the variable {name} of the host"
            yield Unit("settings", f"settings.passed.{name}", label, was, now, reason)


_LABELS = {
    "seed": "the seed",
    "command": "the command",
    "folder": "the folder that it ran in",
    "deterministic": "op determinism",
    "numerics.threads": "the number of threads",
    "numerics": "the numerics profile",
}


def _plain(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings as texts, by the keys that are taken over one by one."""
    found = {
        "command": shlex.join(settings.get("command", [])),
        "folder": str(settings.get("folder", ".")),
        "seed": str(settings.get("seed")),
        "deterministic": str(settings.get("deterministic", True)).lower(),
    }
    for name, value in (settings.get("variables") or {}).items():
        found[f"variables.{name}"] = str(value)
    numerics = stated(settings.get("numerics") or {})
    found["numerics.threads"] = str(numerics.pop("threads", "the machine's"))
    found["numerics"] = " ".join(str(value) for value in numerics.values()) or "native"
    return found

"""The hardware layer's facts, from /proc and /sys alone, in a few milliseconds."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Unknown = dict[str, str]
CPUS = "sys/devices/system/cpu"


def unknown(reason: str) -> Unknown:
    """The value of what can't be known: its reason."""
    return {"unknown": reason}


def facts(root: str = "/") -> dict[str, Any]:
    """CPU, memory, kernel, hypervisor and GPUs of this machine.

    Args:
        root: where proc, sys and dev are; another folder only to read recorded ones.
    """
    from . import gpu

    own = root == "/"
    first = _first_processor(read(root, "proc/cpuinfo", 16384) or "")
    return {
        "cpu": _answered(_cpu(root, first), first) if own else _cpu(root, first),
        "memory": _memory(root),
        "kernel": _kernel(root),
        "hypervisor": _hypervisor(root, first),
        "gpu": gpu.facts(root),
    }


def read(root: str, path: str, limit: int = 4096) -> str | None:
    """The first bytes of a small file as text, or None where it can't be read."""
    try:
        handle = os.open(os.path.join(root, path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(handle, limit).decode(errors="replace").strip("\0\n ")
        finally:
            os.close(handle)
    except OSError:
        return None


def _first_processor(text: str) -> dict[str, str]:
    # One processor says it all; on a large machine reading the rest takes longer than all else.
    found = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, _, value = line.partition(":")
        found[key.strip()] = value.strip()
    return found


def _cpu(root: str, first: dict[str, str]) -> dict[str, Any]:
    def say(key: str) -> str | Unknown:
        return first.get(key) or unknown(f"/proc/cpuinfo has no {key!r}")

    flags = first.get("flags") or first.get("Features") or ""
    return {
        "architecture": os.uname().machine,
        "vendor": say("vendor_id"),
        "model": say("model name"),
        "family": say("cpu family"),
        "number": say("model"),
        "stepping": say("stepping"),
        "microcode": _microcode(first),
        "flags": sorted(flags.split()) or unknown("/proc/cpuinfo lists none"),
        "cores": _cores(root, first),
        "caches": _caches(root),
    }


def _answered(facts: dict[str, Any], first: dict[str, str]) -> dict[str, Any]:
    """The same by what CPUID answers, which goes before /proc: this may run on a virtual CPU."""
    from . import cpu

    table = cpu.table()
    if not isinstance(table, list):
        return {**facts, "table": table}
    ask = cpu.answering(table)
    family, number, stepping = map(str, cpu.signature(ask))
    there, flags, vendor = cpu.features(ask), facts["flags"], cpu.vendor(ask)
    denied = (cpu.known() - there).intersection(flags)
    real = (vendor, family, number, stepping) == tuple(
        first.get(key) for key in ("vendor_id", "cpu family", "model", "stepping")
    )
    if first and (denied or not real):  # else there is nothing that CPUID could contradict
        facts["microcode"] = unknown("the CPU is a virtual one")
        facts["caches"] = cpu.caches(ask) or unknown("the virtual CPU names none")
    return {
        **facts,
        "vendor": vendor,
        "model": cpu.named(ask) or unknown("the CPU says no name"),
        "family": family,
        "number": number,
        "stepping": stepping,
        "flags": [each for each in flags if each not in denied]
        if isinstance(flags, list)
        else sorted(there),
        "table": table,
    }


def _microcode(first: dict[str, str]) -> str | Unknown:
    version = first.get("microcode")
    if version is None:
        return unknown("/proc/cpuinfo has no 'microcode'")
    if "hypervisor" in first.get("flags", "").split() and version in ("0x1", "0xffffffff"):
        return unknown(f"the hypervisor hides it (shows {version})")
    return version


def _cores(root: str, first: dict[str, str]) -> dict[str, Any]:
    group = (read(root, "proc/self/cgroup") or "").rpartition("::")[2]
    quota = read(root, f"sys/fs/cgroup{group.rstrip('/')}/cpu.max")
    return {
        "online": read(root, f"{CPUS}/online") or unknown("/sys does not say"),
        "usable": len(os.sched_getaffinity(0)),
        "per-socket": _number(first.get("cpu cores")),
        "threads-per-socket": _number(first.get("siblings")),
        "quota": quota if quota else unknown("no cgroup says"),
    }


def _number(text: str | None) -> int | Unknown:
    return int(text) if text and text.isdigit() else unknown("/proc/cpuinfo does not say")


def _caches(root: str) -> Any:
    found = []
    for index in range(8):
        folder = f"{CPUS}/cpu0/cache/index{index}"
        level = read(root, f"{folder}/level")
        if level is None:
            break
        found.append(
            {
                "level": int(level),
                "type": read(root, f"{folder}/type") or "",
                "size": read(root, f"{folder}/size") or "",
                "ways": read(root, f"{folder}/ways_of_associativity") or "",
                "line": read(root, f"{folder}/coherency_line_size") or "",
                "shared": read(root, f"{folder}/shared_cpu_list") or "",
            }
        )
    return found or unknown("/sys shows no caches")


def _memory(root: str) -> int | Unknown:
    match = re.search(r"MemTotal:\s+(\d+) kB", read(root, "proc/meminfo") or "")
    return int(match.group(1)) * 1024 if match else unknown("/proc/meminfo does not say")


def _kernel(root: str) -> dict[str, Any]:
    name = os.uname()
    return {
        "name": name.sysname,
        "release": read(root, "proc/sys/kernel/osrelease") or name.release,
        "version": read(root, "proc/sys/kernel/version") or name.version,
    }


def _hypervisor(root: str, first: dict[str, str]) -> Any:
    kind = read(root, "sys/hypervisor/type")
    if kind:
        return kind
    if "hypervisor" not in first.get("flags", "").split():
        return "none" if first.get("flags") else unknown("the CPU's flags are not known")
    vendor = read(root, "sys/class/dmi/id/sys_vendor")
    product = read(root, "sys/class/dmi/id/product_name")
    if vendor or product:
        return " ".join(part for part in (vendor, product) if part)
    return unknown("the CPU says there is one; the firmware does not say which")

"""GPUs and their driver: what the kernel shows without opening the device."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PCI = "sys/bus/pci/devices"
VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


def facts(root: str = "/") -> dict[str, Any]:
    """The GPUs of the machine and the driver; values that can't be known say why.

    Args:
        root: where proc, sys and dev are.
    """
    devices = _pci(root)
    return {"devices": devices, "driver": _driver(root, devices), "nvidia": _nvidia(root)}


def _listing(root: str, path: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(root, path)))
    except OSError:
        return []


def _pci(root: str) -> Any:
    from .host import read, unknown

    if not os.path.isdir(os.path.join(root, PCI)):
        return unknown("this machine shows no PCI bus")
    found = []
    for slot in _listing(root, PCI):
        kind = read(root, f"{PCI}/{slot}/class") or ""
        # 0x03: display controllers; 0x12: processing accelerators.
        if kind.startswith(("0x03", "0x12")):
            vendor = read(root, f"{PCI}/{slot}/vendor") or ""
            device = read(root, f"{PCI}/{slot}/device") or ""
            found.append({"slot": slot, "vendor": VENDORS.get(vendor, vendor), "device": device})
    return found


def _driver(root: str, devices: Any) -> Any:
    from .host import read, unknown

    version = read(root, "sys/module/nvidia/version")
    if version:
        return version
    text = read(root, "proc/driver/nvidia/version") or ""
    # "... Kernel Module  535.183.01  ..." or "... Open Kernel Module for x86_64  550.54.15  ..."
    match = re.search(r"\b(\d+\.\d+(?:\.\d+)*)\b", text)
    if match:
        return match.group(1)
    if any(name.startswith("nvidia") for name in _listing(root, "dev")):
        return unknown("/dev has NVIDIA devices, but the kernel shows no driver version here")
    if isinstance(devices, list) and any(device["vendor"] == "NVIDIA" for device in devices):
        return unknown("there is an NVIDIA device, but its driver is not loaded")
    return "none"


def _nvidia(root: str) -> list[dict[str, str]]:
    from .host import read

    found = []
    for slot in _listing(root, "proc/driver/nvidia/gpus"):
        text = read(root, f"proc/driver/nvidia/gpus/{slot}/information") or ""
        entry = {"slot": slot}
        for line in text.splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("Model", "Video BIOS", "GPU Firmware"):
                entry[key.strip().lower().replace(" ", "-")] = value.strip()
        found.append(entry)
    return found

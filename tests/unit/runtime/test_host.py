"""The hardware layer, read from the files of other machines as they were recorded, trimmed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from nixrepro.runtime import gpu, host

CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
microcode\t: 0x1000065
siblings\t: 2
cpu cores\t: 2
flags\t\t: fpu sse2 avx2 fma avx512f hypervisor
bugs\t\t: sysret_ss_attrs

processor\t: 1
model name\t: another
"""
CACHE = "sys/devices/system/cpu/cpu0/cache/index0"
MACHINE = {
    "proc/cpuinfo": CPUINFO,
    "proc/meminfo": "MemTotal:       24683596 kB\nMemFree:        22155340 kB\n",
    "proc/self/cgroup": "0::/training\n",
    "sys/fs/cgroup/training/cpu.max": "150000 100000\n",
    "sys/devices/system/cpu/online": "0-1\n",
    f"{CACHE}/level": "1\n",
    f"{CACHE}/type": "Data\n",
    f"{CACHE}/size": "32K\n",
    f"{CACHE}/ways_of_associativity": "8\n",
    f"{CACHE}/coherency_line_size": "64\n",
    f"{CACHE}/shared_cpu_list": "0\n",
    "sys/class/dmi/id/sys_vendor": "QEMU\n",
    "sys/class/dmi/id/product_name": "Standard PC (Q35 + ICH9, 2009)\n",
}


def machine(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(folder)


def test_a_virtual_machine(tmp_path: Path) -> None:
    facts = host.facts(machine(tmp_path, MACHINE))
    cpu = facts["cpu"]
    assert (cpu["vendor"], cpu["model"]) == ("AuthenticAMD", "AMD EPYC")
    assert (cpu["family"], cpu["number"], cpu["stepping"]) == ("25", "17", "1")
    assert cpu["flags"] == ["avx2", "avx512f", "fma", "fpu", "hypervisor", "sse2"]
    assert cpu["microcode"] == "0x1000065"
    assert cpu["cores"]["quota"] == "150000 100000"
    assert (cpu["cores"]["online"], cpu["cores"]["per-socket"]) == ("0-1", 2)
    assert cpu["caches"] == [
        {"level": 1, "type": "Data", "size": "32K", "ways": "8", "line": "64", "shared": "0"}
    ]
    assert facts["memory"] == 24683596 * 1024
    assert facts["hypervisor"] == "QEMU Standard PC (Q35 + ICH9, 2009)"
    assert facts["gpu"]["driver"] == "none"


def test_what_is_hidden_is_unknown_with_its_reason(tmp_path: Path) -> None:
    facts = host.facts(str(tmp_path))
    for value in (
        facts["cpu"]["model"],
        facts["cpu"]["flags"],
        facts["cpu"]["microcode"],
        facts["cpu"]["caches"],
        facts["cpu"]["cores"]["per-socket"],
        facts["memory"],
        facts["hypervisor"],
        facts["gpu"]["devices"],
    ):
        assert set(value) == {"unknown"} and value["unknown"]


def test_microcode_that_a_hypervisor_hides(tmp_path: Path) -> None:
    text = CPUINFO.replace("0x1000065", "0x1")
    facts = host.facts(machine(tmp_path, {"proc/cpuinfo": text}))
    assert "hypervisor hides it" in facts["cpu"]["microcode"]["unknown"]
    assert "does not say which" in facts["hypervisor"]["unknown"]


def test_bare_metal(tmp_path: Path) -> None:
    text = CPUINFO.replace(" hypervisor", "")
    assert host.facts(machine(tmp_path, {"proc/cpuinfo": text}))["hypervisor"] == "none"


NVIDIA = {
    "sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
    "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
    "sys/bus/pci/devices/0000:01:00.0/device": "0x20b5\n",
    "sys/bus/pci/devices/0000:00:1f.0/class": "0x060100\n",
}


@pytest.mark.parametrize(
    ("line", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15",
            "535.183.01",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build",
            "550.54.15",
        ),
    ],
)
def test_gpu_and_driver(tmp_path: Path, line: str, version: str) -> None:
    information = (
        "Model: \t\t NVIDIA A100 80GB PCIe\nIRQ:   \t\t 65\nVideo BIOS: \t 92.00.90.00.04\n"
    )
    files = {
        **NVIDIA,
        "proc/driver/nvidia/version": f"{line}\nGCC version:  gcc version 12.2.0\n",
        "proc/driver/nvidia/gpus/0000:01:00.0/information": information,
    }
    facts = gpu.facts(machine(tmp_path, files))
    assert facts["devices"] == [{"slot": "0000:01:00.0", "vendor": "NVIDIA", "device": "0x20b5"}]
    assert facts["driver"] == version
    assert facts["nvidia"] == [
        {"slot": "0000:01:00.0", "model": "NVIDIA A100 80GB PCIe", "video-bios": "92.00.90.00.04"}
    ]


def test_gpu_without_its_driver(tmp_path: Path) -> None:
    assert "not loaded" in gpu.facts(machine(tmp_path, NVIDIA))["driver"]["unknown"]
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidia0").touch()
    assert "no driver version" in gpu.facts(str(tmp_path))["driver"]["unknown"]


def test_this_machine_is_read_quickly() -> None:
    def once() -> float:
        begun = time.perf_counter()
        assert host.facts()["memory"] > 0
        return time.perf_counter() - begun

    assert min(once() for _ in range(5)) < 0.01

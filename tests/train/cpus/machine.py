"""A whole machine with another CPU, emulated: it shares the store and one folder with this one."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import initramfs

ROOT = Path(__file__).resolve().parents[3]
# Where `tools/bootstrap machines` unpacks one.
KERNEL = ROOT / ".venv/kernel"
EMULATOR = "qemu-system-x86_64"
PATIENCE = 2400.0
MEBIBYTES = 3072


@dataclass(frozen=True)
class Ended:
    """What a job left."""

    status: int
    out: str
    err: str


def run(cpu: str, job: str, folder: Path, program: str = EMULATOR) -> Ended:
    """Boot a machine, run a shell script on it, and wait until it is off.

    Args:
        cpu: its name in QEMU, which emulates it: this machine's CPU has no part in it.
        job: the script; it runs as root in /work, with the store in its place, and busybox alone.
        folder: shared as /work; the script's files may lie there.
        program: the emulator.

    Raises:
        AssertionError: the machine did not come to the script's end.
    """
    kernel = max(KERNEL.glob("boot/vmlinuz-*"), key=_numbers)
    first = folder / "initramfs"
    release = kernel.name.removeprefix("vmlinuz-")
    initramfs.build(first, ROOT / "nix/seed/busybox", KERNEL, release)
    (folder / "job").write_text(job)
    console = folder / "console"
    words = [program, "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", cpu]
    words += ["-smp", "2", "-m", str(MEBIBYTES), "-nic", "none", "-no-reboot"]
    words += ["-display", "none", "-monitor", "none", "-serial", f"file:{console}"]
    words += ["-kernel", str(kernel), "-initrd", str(first)]
    # On a busy host the timer may not tick in the moment in which a kernel checks that it does.
    words += ["-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check"]
    words += ["-virtfs", _share("/nix/store", "store") + ",readonly=on,multidevs=remap"]
    words += ["-virtfs", _share(str(folder), "work")]
    with (folder / "emulator").open("wb") as said:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False, timeout=PATIENCE
        )
    status = folder / "status"
    assert status.exists(), (
        f"{cpu}: emulator's status {done.returncode}: "
        f"{(folder / 'emulator').read_text()[-500:]} {console.read_text()[-2000:]}"
    )
    out, err = ((folder / name).read_text(errors="replace") for name in ("out", "err"))
    return Ended(int(status.read_text()), out, err)


def _numbers(kernel: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", kernel.name)]


def _share(path: str, tag: str) -> str:
    return f"local,path={path},mount_tag={tag},security_model=none"

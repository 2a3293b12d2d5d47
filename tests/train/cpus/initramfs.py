"""A guest's first file system: busybox, a script, and the modules that shared folders take."""

from __future__ import annotations

import gzip
import lzma
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

FILE, FOLDER = 0o100755, 0o040755
MODULES = ("virtio_pci", "9pnet_virtio", "9p")
_NEEDS = re.compile(rb"\0depends=([^\0]*)\0")
_SCRIPT = """#!/bin/sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
$b mkdir /dev/shm /dev/pts
$b mount -t tmpfs tmpfs /dev/shm
$b mount -t devpts devpts /dev/pts
for module in {modules}; do $b insmod /modules/$module.ko; done
options=trans=virtio,version=9p2000.L,msize=512000
$b mount -t 9p -o ro,cache=loose,$options store /nix/store
$b mount -t 9p -o $options work /work
cd /work
$b sh ./job >out 2>err
echo $? >status
$b sync
$b poweroff -f
"""


def build(target: Path, busybox: Path, kernel: Path, release: str) -> None:
    """Write it, in the format `newc` of cpio.

    Args:
        target: the file.
        busybox: a static one.
        kernel: folder of unpacked kernel packages.
        release: which of the kernels there, as in `vmlinuz-6.1.0-40-amd64`.
    """
    modules = dict(_modules(kernel, release))
    entries: list[tuple[str, int, bytes]] = [("init", FILE, b"")]
    folders = ["bin", "modules", "nix", "nix/store", "work", "proc", "sys", "dev", "tmp"]
    entries += [(name, FOLDER, b"") for name in folders]
    entries += [("bin/busybox", FILE, busybox.read_bytes())]
    entries += [("bin/sh", FILE, busybox.read_bytes())]
    entries += [(f"modules/{name}.ko", FILE, data) for name, data in modules.items()]
    script = _SCRIPT.format(modules=" ".join(modules))
    entries[0] = ("init", FILE, script.encode())
    target.write_bytes(gzip.compress(_archive(entries), 1))


def _modules(kernel: Path, release: str) -> Iterator[tuple[str, bytes]]:
    """The modules that are not built in, each behind those it needs."""
    files = {
        path.name.partition(".")[0].replace("-", "_"): path
        for path in kernel.glob(f"**/modules/{release}/kernel/**/*.ko*")
    }
    done: set[str] = set()

    def add(name: str) -> Iterator[tuple[str, bytes]]:
        if name in done or name not in files:
            return
        done.add(name)
        data = _plain(files[name])
        needs = _NEEDS.search(data)
        for other in needs[1].decode().split(",") if needs else []:
            yield from add(other.replace("-", "_"))
        yield name, data

    for name in MODULES:
        yield from add(name)


def _plain(path: Path) -> bytes:
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dc", path], check=True, capture_output=True).stdout
    return path.read_bytes()


def _archive(entries: list[tuple[str, int, bytes]]) -> bytes:
    made = bytearray()
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        encoded = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        made += b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        made += bytes(-len(made) % 4) + data
        made += bytes(-len(made) % 4)
    return bytes(made)

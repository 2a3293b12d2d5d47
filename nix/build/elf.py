"""Tells ELF executables from other files, and runs patchelf on copies of them."""

import os
import struct
import subprocess

PT_INTERP = 3


def interpreter(path):
    """The loader that an ELF executable asks for, or "" where the file is no such thing.

    Format: the System V ABI's ELF header and program headers, 64-bit little-endian.
    """
    with open(path, "rb") as stream:
        head = stream.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return ""
        offset, = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        stream.seek(offset)
        table = stream.read(size * count)
        for entry in range(0, len(table) - 55, size):
            kind, = struct.unpack_from("<I", table, entry)
            if kind == PT_INTERP:
                place, = struct.unpack_from("<Q", table, entry + 8)
                length, = struct.unpack_from("<Q", table, entry + 32)
                stream.seek(place)
                return stream.read(length).rstrip(b"\0").decode()
    return ""


def patch(path, *options):
    """Run patchelf, from PATH, on one file in place."""
    done = subprocess.run(["patchelf", *options, path], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit("nixrepro: patchelf failed on %s: %s" % (path, done.stderr.strip()))


def copy(source, target):
    """Copy a file's bytes and whether it can be run, for changing."""
    with open(source, "rb") as stream:
        data = stream.read()
    with open(target, "wb") as stream:
        stream.write(data)
    os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)

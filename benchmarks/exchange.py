"""A second lock that differs from the first by one wheel, which has one module more."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

from nixrepro import lock as locks


def exchange(project: Path, wheels: Path, file: str, target: Path) -> None:
    """Write a wheel of the same name with one module more, and the project's lock that pins it.

    Args:
        project: a copy of a project; its lock is changed.
        wheels: where the wheel `file` lies.
        file: its name.
        target: folder for the new wheel.
    """
    module, content = "nixrepro_benchmark_marker.py", b"MARK = 1\n"
    new = target / file
    with (
        zipfile.ZipFile(wheels / file) as old,
        zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
                line = f"{module},sha256={digest.decode()},{len(content)}\n"
                data = data.rstrip(b"\n") + b"\n" + line.encode()
            out.writestr(entry, data)
        out.writestr(module, content)
    path = project / locks.FILE
    lock = locks.load(path)
    data = new.read_bytes()
    changed = tuple(
        replace(item, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        if item.file == file and not item.role
        else item
        for item in lock.artefacts
    )
    locks.save(path, replace(lock, artefacts=changed))

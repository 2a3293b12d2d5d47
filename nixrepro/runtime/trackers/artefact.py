"""The folder that a tracker's run carries: the record, the locks, and what was not committed."""

from __future__ import annotations

import hashlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What it is called wherever it is laid.
FOLDER = "nixrepro"
LOCK = "nixrepro.lock"
LOCKS = (LOCK, "flake.lock")
RECORD = "record.json"
# And those of submodules: code.patch.1 and so on.
PATCH = "code.patch"


def lay(folder: str, record: bytes, run: str, locks: Mapping[str, str], lock: str) -> str:
    """Write the folder's files; what is there already is replaced.

    Args:
        folder: the folder; it is made.
        record: the record's own bytes.
        run: the folder of the run's record.
        locks: where the locks can be read, by name; those that can't are left out.
        lock: SHA-256 of the lock that the environment was made of.

    Returns:
        What is wrong with it, or an empty text.

    Raises:
        OSError: it can't be written.
    """
    os.makedirs(folder, exist_ok=True)
    _write(os.path.join(folder, RECORD), record)
    trouble = ""
    patches = [name for name in os.listdir(run) if is_patch(name)]
    for name, path in {**locks, **{name: os.path.join(run, name) for name in patches}}.items():
        try:
            with open(path, "rb") as stream:
                data = stream.read()
        except OSError:
            continue
        if name == LOCK and hashlib.sha256(data).hexdigest() != lock:
            trouble = f"{LOCK} was changed after the run had started: it is left out"
            continue
        _write(os.path.join(folder, name), data)
    return trouble


def is_patch(name: str) -> bool:
    """Whether a file of a run's folder holds what was not committed."""
    number = name[len(PATCH) + 1 :]
    return name == PATCH or (name == f"{PATCH}.{number}" and number.isascii() and number.isdigit())


def locks_beside(run: str) -> dict[str, str]:
    """Where the locks are, by the folder of a run's record: .nixrepro/runs/NAME in the project."""
    project = os.path.abspath(os.path.join(run, "..", "..", ".."))
    return {name: os.path.join(project, name) for name in LOCKS}


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as stream:
        stream.write(data)

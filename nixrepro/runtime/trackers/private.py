"""What only the supervisor may know of a tracker: where it is, and as whom, to hand it the record.

It lies in the run's own temporary folder, which nobody else can read, and is gone at its end.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE = ".nixrepro-trackers"
# Who a program is to its tracker and to where that keeps files, also where it says so itself.
_PREFIXES = ("MLFLOW_", "DATABRICKS_", "AWS_", "AZURE_", "GOOGLE_")


def leave(uri: str, run: str) -> None:
    """Say where a run is, with the variables that this process has for it."""
    folder = os.environ.get("TMPDIR")
    if not folder:
        return
    variables = {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES)}
    line = json.dumps({"uri": uri, "run": run, "variables": variables}) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    handle = os.open(os.path.join(folder, _FILE), flags, 0o600)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def left(folder: str) -> dict[str, dict[str, Any]]:
    """What processes of a run left in its temporary folder: `uri` and `variables` by run."""
    found: dict[str, dict[str, Any]] = {}
    try:
        with open(os.path.join(folder, _FILE), encoding="utf-8") as stream:
            for line in stream:
                entry = json.loads(line)
                found.setdefault(entry["run"], entry)
    except (OSError, ValueError, KeyError):
        pass
    return found

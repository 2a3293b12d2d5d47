"""What a run of a tracker carries of the run that made it, and how the record learns of it."""

from __future__ import annotations

import os
import sys

from .. import events
from ..canonical import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PREFIX = "nixrepro."
# The tag by which a tracker's run is known to be one of a run of nixrepro.
RECORD = PREFIX + "record"
_ENVIRONMENT = "-nixrepro-environment"
# What may be a password, whatever it is called, in an address of these; files have no such thing.
_FILES = ("file", "sqlite", "")
# Servers of MLflow that have a name and no address.
_NAMES = ("databricks", "databricks-uc", "uc")

_known: dict[str, dict[str, str]] = {}
_noted: set[tuple[str, str, str]] = set()


def run_folder() -> str:
    """The folder of this run's record; an empty text outside of a recorded run."""
    return os.environ.get("NIXREPRO_RUN", "")


def place(path: str) -> str:
    """A path as it is recorded: from the project's folder, where it lies in it."""
    # The run's folder is .nixrepro/runs/NAME in the project.
    project = os.path.abspath(os.path.join(run_folder(), "..", "..", ".."))
    inside = "://" not in path and os.path.abspath(path).startswith(project + os.sep)
    return os.path.relpath(path, project) if inside else path


def record() -> dict[str, Any] | None:
    """This run's record as it stands, or None outside of a recorded run."""
    folder = run_folder()
    if not folder:
        return None
    import json

    try:
        with open(os.path.join(folder, "record.json"), "rb") as stream:
            found: dict[str, Any] = json.load(stream)
    except (OSError, ValueError):
        return None
    return found


def tags() -> dict[str, str]:
    """What a tracker's run carries: all of it in a recorded run, else what the environment says."""
    folder = run_folder()
    if folder not in _known:
        found = record()
        _known[folder] = tags_of(found) if found else _environment()
    return dict(_known[folder])


def tags_of(record: dict[str, Any]) -> dict[str, str]:
    """The same, of a record that is at hand."""
    root, layers = record["environment"], record["layers"]
    code = layers["code"]
    found = {
        "record": record["id"],
        "experiment": record["experiment"],
        "environment": root["path"],
        "environment.digest": root["digest"],
        "lock": root.get("lock", ""),
        "commit": code.get("commit", code),
    }
    found.update({f"layers.{name}": digest(layer) for name, layer in layers.items()})
    return {PREFIX + name: _text(value) for name, value in found.items() if value}


def nested(flat: dict[str, str]) -> dict[str, Any]:
    """Tags for those who take no dots in names: layers in a table of their own."""
    found: dict[str, Any] = {}
    layers = {}
    for name, value in flat.items():
        short = name[len(PREFIX) :]
        if short.startswith("layers."):
            layers[short[len("layers.") :]] = value
        else:
            found[short.replace(".", "-")] = value
    return {**found, "layers": layers} if layers else found


def note(kind: str, run: str, **place: str) -> bool:
    """Have the record name a tracker's run, once; says whether it was new.

    Args:
        kind: mlflow, wandb or tensorboard.
        run: its id; an empty text where the tracker has none.
        place: `uri` or `path`, without credentials.
    """
    key = (kind, run, "".join(place.values()))
    if key in _noted:
        return False
    _noted.add(key)
    events.write("tracker", kind=kind, **place, **({"run": run} if run else {}))
    return True


def quietly(kind: str, function: Callable[..., Any], *args: Any) -> None:
    """Call a function whose failure is recorded and never the program's."""
    try:
        function(*args)
    except Exception as error:
        message = f"{type(error).__name__}: {bare(str(error))}"
        events.write("problem", where=kind, message=message[:300])


def bare(text: str) -> str:
    """A text without the names and passwords in the addresses that it has."""
    import re

    return re.sub(r"://[^/\s]*@", "://", text)


def without_credentials(uri: str) -> str:
    """An address as it may be recorded: without name, password, and what may be a token."""
    from urllib.parse import urlsplit, urlunsplit

    try:
        parts = urlsplit(uri)
        if parts.scheme.partition("+")[0] in _FILES:
            return uri
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return uri.partition("://")[0]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def absolute(uri: str) -> str:
    """An address that means the same from any folder."""
    scheme, colon, rest = uri.partition(":")
    if not colon:
        return uri if uri in _NAMES else os.path.abspath(uri)
    if scheme == "file" and not rest.startswith("/"):
        return f"file://{os.path.abspath(rest)}"
    if scheme.partition("+")[0] == "sqlite" and rest.startswith("///") and rest[3:4] not in "/:":
        return f"{scheme}:///{os.path.abspath(rest[3:])}"
    return uri


def _environment() -> dict[str, str]:
    """What is known without a record: which environment this Python is of, if of any."""
    if not os.path.basename(sys.prefix).endswith(_ENVIRONMENT):
        return {}
    return {PREFIX + "environment": sys.prefix}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return f"unknown: {value.get('unknown', '')}"
    return str(value)

"""Hands the final record to the runs of MLflow that a program made, once the program has ended."""

from __future__ import annotations

import json
import os
import signal
import sys

from ..launch import say
from . import artefact, facts, private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from ..recording import Run

KIND = "mlflow"
# Seconds after which it is given up: those in all, and those for each further run.
LIMIT, EACH = 60.0, 2.0
_START = (
    "import importlib, sys; sys.path.append(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main(sys.argv[3])"
)
_GIVEN, _LEFT = "upload.json", "upload.left"


def handed(
    record: dict[str, Any],
    run: Run,
    env: Mapping[str, str],
    mask: Iterable[int],
    scratch: str,
    quiet: bool,
) -> dict[str, Any] | None:
    """Upload to each run of MLflow that a record names; no run fails for it.

    Args:
        record: the final record, as it was written.
        run: the run.
        env: the program's variables.
        mask: the signal mask of the process that does it.
        scratch: a folder of the caller's; `tmp` in it was the program's temporary folder.
        quiet: say nothing.

    Returns:
        The record with what went wrong, said in a line each; None where all went well.
    """
    wanted = [each for each in record.get("trackers", []) if each.get("kind") == KIND]
    if not wanted:
        return None
    try:
        failed = _upload(record, wanted, run, env, mask, scratch, None if quiet else _patience)
    except Exception as error:
        failed = {each["run"]: str(error) or type(error).__name__ for each in wanted}
    if not failed:
        return None
    if not quiet:
        for name, text in failed.items():
            say(f"run {name} of MLflow does not have all of the record: {text}")
    entries = [
        {**each, "problem": failed[each["run"]]} if each.get("run") in failed else each
        for each in record["trackers"]
    ]
    return {**record, "trackers": entries}


def _patience() -> None:
    say("handing the record to MLflow")


def _upload(
    record: dict[str, Any],
    wanted: list[dict[str, Any]],
    run: Run,
    env: Mapping[str, str],
    mask: Iterable[int],
    scratch: str,
    tell: Callable[[], None] | None,
) -> dict[str, str]:
    """By the runs' ids, what is wrong; nothing where all went well."""
    folder = os.path.join(scratch, artefact.FOLDER)
    with open(run.folder.file(artefact.RECORD), "rb") as stream:
        own = stream.read()
    lock = record["environment"].get("lock", "")
    trouble = artefact.lay(folder, own, run.folder.path, run.locks, lock)
    known = private.left(os.path.join(scratch, "tmp"))
    given = {
        "folder": folder,
        "as": artefact.FOLDER,
        "tags": facts.tags_of(record),
        "left": os.path.join(scratch, _LEFT),
        "runs": [{**each, "variables": {}, **known.get(each["run"], {})} for each in wanted],
    }
    path = os.path.join(scratch, _GIVEN)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(handle, "w", encoding="utf-8") as stream:
        json.dump(given, stream)
    ended = _run(path, env, mask, os.path.join(scratch, "upload.trouble"), len(wanted), tell)
    failed = _read(os.path.join(scratch, _LEFT))
    reason = ended or "it did not come to its end"
    found = {each["run"]: failed.get(each["run"], reason) for each in wanted}
    return {name: text or trouble for name, text in found.items() if text or trouble}


def _run(
    path: str,
    env: Mapping[str, str],
    mask: Iterable[int],
    trouble: str,
    count: int,
    tell: Callable[[], None] | None,
) -> str:
    """Start the process and wait for it; what is wrong, or an empty text."""
    from ..probe import taking

    package = __name__.rpartition(".")[0]
    root = os.path.abspath(__file__)
    for _ in range(package.count(".") + 2):
        root = os.path.dirname(root)
    # Nothing of it is watched or seeded, or is a run.
    variables = {name: text for name, text in env.items() if not name.startswith("NIXREPRO_")}
    # A server that is gone would be asked for many minutes otherwise.
    variables.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    variables.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    # This is no use of MLflow that its makers need hear of.
    variables["MLFLOW_DISABLE_TELEMETRY"] = "true"
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-c", _START, root, f"{package}.upload", path],
        variables,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, trouble, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
        setsigmask=mask,
    )
    slow = interrupted = ""
    try:
        slow = taking.wait(pid, tell, LIMIT + EACH * count)
    except taking.Interrupted as error:
        interrupted = str(error)
        os.kill(pid, signal.SIGKILL)
    finally:
        _, raw = os.waitpid(pid, 0)
    if slow or interrupted:
        return slow or interrupted
    if os.waitstatus_to_exitcode(raw):
        return taking.last(trouble) or f"it ended with status {os.waitstatus_to_exitcode(raw)}"
    return ""


def _read(path: str) -> dict[str, str]:
    """What the process left: by the runs' ids, what was wrong or an empty text."""
    found: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                run, text = json.loads(line)
                found[run] = text
    except (OSError, ValueError):
        pass
    return found

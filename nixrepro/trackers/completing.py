"""Sees that a run which `mlflow run` made carries the record of what ran as it."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nixrepro.errors import NixreproError, RunError
from nixrepro.record import Record, read
from nixrepro.runtime.folder import RECORD, RUNS
from nixrepro.runtime.trackers import artefact, facts

_logger = logging.getLogger(__name__)


def complete(run_id: str, folder: Path, process: int) -> None:
    """Give a run of MLflow the tags and the folder `nixrepro/`, unless the closure's MLflow did.

    An environment need not hold MLflow to be run by it. A failure is logged and fails nothing.

    Args:
        run_id: the run.
        folder: a folder of the project that ran.
        process: the process that ran it: the tool first, and then the supervisor.
    """
    try:
        record = _recorded(folder, process)
        if record is None or _has(record.document, run_id):
            return
        _give(run_id, record)
    except Exception as error:  # whatever the tracker's library raises
        _logger.warning("run %s does not have all of nixrepro's record: %s", run_id, error)


def _recorded(folder: Path, process: int) -> Record | None:
    """The record that a process left; None where the program was never started."""
    from nixrepro.project import find_root

    try:
        runs = find_root(folder) / RUNS
    except NixreproError:
        return None  # it was said already: nothing could run
    found = []
    for path in runs.glob(f"*/{RECORD}"):
        with suppress(RunError):  # another run's that is damaged
            found.append(Record(path.parent, read(path)))
    # A number may have been another process's before.
    own = [each for each in found if each.document["process"].get("pid") == process]
    return max(own, key=lambda each: str(each.document["started"]), default=None)


def _has(record: Mapping[str, Any], run_id: str) -> bool:
    entries = [each for each in record.get("trackers", []) if each.get("run") == run_id]
    return any("problem" not in each for each in entries)


def _give(run_id: str, record: Record) -> None:
    from mlflow.entities import RunTag
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    pairs = facts.tags_of(record.document).items()
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in pairs])
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as scratch:
        target = Path(scratch) / artefact.FOLDER
        trouble = artefact.lay(
            str(target),
            (record.folder / RECORD).read_bytes(),
            str(record.folder),
            artefact.locks_beside(str(record.folder)),
            record.document["environment"].get("lock", ""),
        )
        client.log_artifacts(run_id, str(target), artefact.FOLDER)
    if trouble:
        _logger.warning("run %s: %s", run_id, trouble)

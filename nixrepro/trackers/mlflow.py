"""Reads what a run of MLflow carries, from the tracking server that the user's settings name."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from nixrepro.errors import FetchError
from nixrepro.runtime.trackers.artefact import FOLDER
from nixrepro.trackers.artefact import checked_name, keep, missing


def fetch(run_id: str, target: Path) -> Path:
    """Download what nixrepro left with a run of MLflow.

    Args:
        run_id: as MLflow shows it; the server is the one of MLFLOW_TRACKING_URI.
        target: a folder of the caller's.

    Returns:
        `target/nixrepro`, with `record.json` and, as far as the run carries them, `nixrepro.lock`,
        `flake.lock` and `code.patch`.

    Raises:
        FetchError: there is no such run, it carries nothing of nixrepro, the server does not
            answer, or MLflow is not installed.
        RunError: what it carries is no record.
        OSError: the target can't be written.
    """
    checked_name(run_id, "run of MLflow")
    mlflow = library()
    where = public(mlflow.get_tracking_uri())
    what = f"run {run_id} of {where}"
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as folder:
        try:
            client = mlflow.MlflowClient()
            client.get_run(run_id)
            if not client.list_artifacts(run_id, FOLDER):
                return keep(Path(folder), target, what)
            came = mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=FOLDER, dst_path=folder
            )
        except mlflow.exceptions.MlflowException as error:
            raise FetchError(
                f"{what} can't be had: {first_line(error)}",
                hint="MLFLOW_TRACKING_URI names the server that has it",
            ) from error
        return keep(Path(came), target, what)


def library() -> Any:
    """MLflow itself.

    Raises:
        FetchError: it is not installed.
    """
    try:
        import mlflow
        import mlflow.artifacts
    except ImportError as error:
        raise missing("mlflow", error) from error
    return mlflow


def public(uri: str) -> str:
    """A tracking server's address as it may be shown."""
    from nixrepro.runtime.trackers.facts import without_credentials

    return without_credentials(uri)


def first_line(error: Exception) -> str:
    """The first line of what an error says; a server's answer may be a page. No password."""
    from nixrepro.runtime.trackers.facts import bare

    return next(iter(bare(str(error)).strip().splitlines()), type(error).__name__)[:300]

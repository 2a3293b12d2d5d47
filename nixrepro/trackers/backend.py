"""MLflow's project backend: `mlflow run . --backend nixrepro` runs in the closure."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

from mlflow.entities import RunStatus
from mlflow.exceptions import ExecutionException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
from mlflow.projects.utils import (
    PROJECT_STORAGE_DIR,
    PROJECT_SYNCHRONOUS,
    fetch_and_validate_project,
    get_entry_point_command,
    get_or_create_run,
    get_run_env_vars,
    load_project,
)
from mlflow.tracking import MlflowClient

from nixrepro.process import Started, start
from nixrepro.runtime.trackers.facts import absolute
from nixrepro.trackers.completing import complete

_logger = logging.getLogger(__name__)


class NixreproBackend(AbstractBackend):  # type: ignore[misc,unused-ignore]
    """Runs MLflow projects that are projects of nixrepro too."""

    def run(
        self,
        project_uri: str,
        entry_point: str,
        params: dict[str, Any],
        version: str | None,
        backend_config: dict[str, Any],
        tracking_uri: str,
        experiment_id: str,
    ) -> Submitted:
        """Start an entry point as the run that MLflow makes for it.

        Raises:
            ExecutionException: the project asks for a container of Docker.
        """
        folder = fetch_and_validate_project(project_uri, version, entry_point, params)
        project = load_project(folder)
        if project.docker_env:
            raise ExecutionException(
                "this MLproject asks for docker_env: with --backend nixrepro its environment is "
                "the one that nixrepro.lock pins, so leave docker_env out"
            )
        if project.env_config_path:
            name = os.path.basename(project.env_config_path)
            _logger.info("%s is not used: the environment is nixrepro.lock's", name)
        run = get_or_create_run(
            None, project_uri, experiment_id, folder, version, entry_point, params
        )
        storage = backend_config.get(PROJECT_STORAGE_DIR)
        (command,) = get_entry_point_command(project, entry_point, params, storage)
        # Of a script MLflow says by which of the host's shells it is to be read.
        if entry_point.endswith(".sh"):
            command = command.replace(os.environ.get("SHELL", "bash"), "bash", 1)
        variables = get_run_env_vars(run.info.run_id, experiment_id)
        variables["MLFLOW_TRACKING_URI"] = absolute(variables["MLFLOW_TRACKING_URI"])
        _logger.info("nixrepro runs '%s' as run %s", command, run.info.run_id)
        started = start(
            [sys.executable, "-m", "nixrepro", "run", "--", "bash", "-c", command],
            cwd=Path(folder),
            env={**os.environ, **variables},
        )
        submitted = Submitted(run.info.run_id, started, Path(folder))
        if not backend_config.get(PROJECT_SYNCHRONOUS, True):
            submitted.attend()
        return submitted


class Submitted(SubmittedRun):  # type: ignore[misc,unused-ignore]
    """One entry point that runs, or has run, in the closure."""

    def __init__(self, run_id: str, started: Started, folder: Path) -> None:
        super().__init__()
        self._run_id = run_id
        self._started = started
        self._folder = folder
        self._ending = threading.Lock()
        self._complete = False

    @property
    def run_id(self) -> str:
        """The id of MLflow's run."""
        return self._run_id

    def wait(self) -> bool:
        """Wait for its end, and see that the run carries the record; whether it went well."""
        status = self._started.wait()
        with self._ending:
            if not self._complete:
                self._complete = True
                complete(self._run_id, self._folder, self._started.pid)
        return status == 0

    def attend(self) -> None:
        """Wait beside what this process does otherwise, which then ends no earlier."""

        def end() -> None:
            went_well = self.wait()
            client = MlflowClient()
            if not RunStatus.is_terminated(
                RunStatus.from_string(client.get_run(self._run_id).info.status)
            ):
                client.set_terminated(self._run_id, "FINISHED" if went_well else "FAILED")

        threading.Thread(target=end).start()

    def cancel(self) -> None:
        """Ask it to end, and wait until it has."""
        self._started.end()
        self.wait()

    def get_status(self) -> str:
        """MLflow's word for how it stands."""
        status = self._started.status()
        if status is None:
            return str(RunStatus.to_string(RunStatus.RUNNING))
        return str(RunStatus.to_string(RunStatus.FAILED if status else RunStatus.FINISHED))

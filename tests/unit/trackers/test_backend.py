"""`mlflow run --backend nixrepro`: a real MLflow starts a real supervisor, and reads its record."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from nixrepro.process import Started, start
from nixrepro.trackers import backend

from .conftest import LOCK, Tracked

MLPROJECT = """\
name: digits
python_env: python_env.yaml
entry_points:
  main:
    parameters:
      epochs: {type: int, default: 2}
    command: python train.py {epochs}
  shell:
    command: echo it runs
  fails:
    command: exit 3
  lasts:
    command: touch begun; exec sleep 60
"""
TRAIN = """
import sys, nixrepro_runtime.boot, mlflow
with mlflow.start_run():
    mlflow.log_metric("trained", int(sys.argv[1]))
"""


class Project:
    """A project of MLflow's, run by `mlflow.run` against a server."""

    def __init__(self, tracked: Tracked, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tracked = tracked
        (tracked.project / "MLproject").write_text(MLPROJECT)
        (tracked.project / "python_env.yaml").write_text("python: 3.11\n")
        (tracked.project / "train.py").write_text(TRAIN)
        (tracked.project / "pyproject.toml").write_text("[tool.nixrepro]\n")
        monkeypatch.setattr(backend, "start", self._start)

    def _start(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Started:
        """The supervisor that `nixrepro run` becomes, in the made-up environment."""
        assert list(argv[:5]) == [sys.executable, "-m", "nixrepro", "run", "--"]
        given = {name: value for name, value in env.items() if name.startswith("MLFLOW_")}
        return start(self.tracked.argv(*argv[5:]), cwd=cwd, env=self.tracked.variables(**given))

    def run(self, entry_point: str, **more: Any) -> Any:
        import mlflow

        settings: dict[str, Any] = {"backend": "nixrepro", "experiment_id": "0", **more}
        return mlflow.projects.run(str(self.tracked.project), entry_point, **settings)


@pytest.fixture
def project(
    tracked: Tracked, server: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Project, Any]]:
    import mlflow

    mlflow.set_tracking_uri(server)
    yield Project(tracked, monkeypatch), mlflow.MlflowClient()
    mlflow.set_tracking_uri(None)


def carried(client: Any, run: str, folder: Path) -> dict[str, bytes]:
    """The files that a run carries; each is the one of the record's folder or the project's."""
    path = Path(client.download_artifacts(run, "nixrepro", str(folder)))
    return {each.name: each.read_bytes() for each in path.iterdir()}


def test_an_entry_point_runs_as_the_run_that_mlflow_made(
    project: tuple[Project, Any], tmp_path: Path
) -> None:
    own, client = project
    submitted = own.run("main", parameters={"epochs": 5}, run_name="five")
    assert submitted.get_status() == "FINISHED"
    found = client.get_run(submitted.run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "five")
    assert found.data.params == {"epochs": "5"}
    assert found.data.metrics == {"trained": 5.0}
    assert found.data.tags["mlflow.project.backend"] == "nixrepro"
    record = own.tracked.record()
    assert [each["run"] for each in record["trackers"]] == [submitted.run_id]
    assert record["layers"]["settings"]["command"] == ["bash", "-c", "python train.py 5"]
    assert found.data.tags["nixrepro.record"] == record["id"]
    (folder,) = own.tracked.folders()
    files = carried(client, submitted.run_id, tmp_path)
    assert files["record.json"] == (folder / "record.json").read_bytes()
    assert files["nixrepro.lock"] == LOCK


def test_an_environment_need_not_hold_mlflow(project: tuple[Project, Any], tmp_path: Path) -> None:
    own, client = project
    own.tracked.environment["layers"]["wheels"] = []
    submitted = own.run("shell")
    record = own.tracked.record()
    assert "trackers" not in record and "tracking" not in record
    found = client.get_run(submitted.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.tags["nixrepro.record"] == record["id"]
    files = carried(client, submitted.run_id, tmp_path)
    (folder,) = own.tracked.folders()
    assert files["record.json"] == (folder / "record.json").read_bytes()
    assert sorted(files) == ["code.patch", "flake.lock", "nixrepro.lock", "record.json"]


def test_an_entry_point_that_fails_is_a_run_that_failed(project: tuple[Project, Any]) -> None:
    from mlflow.exceptions import ExecutionException

    own, client = project
    with pytest.raises(ExecutionException, match="failed"):
        own.run("fails")
    (found,) = client.search_runs(["0"], f"tags.nixrepro.record = '{own.tracked.record()['id']}'")
    assert found.info.status == "FAILED"
    assert own.tracked.record()["exit"]["status"] == 3


def test_a_run_that_nobody_waits_for_can_be_cancelled(project: tuple[Project, Any]) -> None:
    own, client = project
    submitted = own.run("lasts", synchronous=False)
    end = time.monotonic() + 60
    while not (own.tracked.project / "begun").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert submitted.get_status() == "RUNNING"
    submitted.cancel()
    assert submitted.get_status() == "FAILED"
    assert own.tracked.record()["exit"]["received"] == ["SIGTERM"]
    while client.get_run(submitted.run_id).info.status != "FAILED":
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_container_is_refused(project: tuple[Project, Any]) -> None:
    from mlflow.exceptions import ExecutionException

    own, _ = project
    text = MLPROJECT.replace("python_env: python_env.yaml", "docker_env: {image: digits}")
    (own.tracked.project / "MLproject").write_text(text)
    with pytest.raises(ExecutionException, match="so leave docker_env out"):
        own.run("main")
    assert own.tracked.folders() == []

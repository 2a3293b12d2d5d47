"""Runs of a real MLflow carry the run of nixrepro that made them, whatever becomes of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nixrepro.errors import FetchError
from nixrepro.runtime.canonical import digest
from nixrepro.runtime.record import LAYERS
from nixrepro.trackers import mlflow

from .conftest import LOCK, Tracked

RUN = """
import mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("loss", 0.5)
"""


def tags(database: Path, run: str) -> dict[str, str]:
    with closing(sqlite3.connect(database)) as opened:
        rows = opened.execute("select key, value from tags where run_uuid = ?", (run,))
        return {key: value for key, value in rows if key.startswith("nixrepro.")}


def expected(record: dict[str, Any]) -> dict[str, str]:
    root = record["environment"]
    return {
        "nixrepro.record": record["id"],
        "nixrepro.experiment": record["experiment"],
        "nixrepro.environment": root["path"],
        "nixrepro.environment.digest": root["digest"],
        "nixrepro.lock": root["lock"],
        "nixrepro.commit": record["layers"]["code"]["commit"],
        **{f"nixrepro.layers.{name}": digest(record["layers"][name]) for name in LAYERS},
    }


def git(folder: Path, *words: str) -> None:
    identity = "-c user.name=a -c user.email=a@mirror.example -c init.defaultBranch=main"
    assert os.spawnvp(os.P_WAIT, "git", ["git", "-C", str(folder), *identity.split(), *words]) == 0


def test_every_run_in_the_default_store_carries_tags_and_artifact(tracked: Tracked) -> None:
    """Those of start_run, of a child of it, and of a client that knows nothing of start_run."""
    (tracked.project / ".gitignore").write_text("mlflow.db\nmlruns\n.nixrepro\n")
    git(tracked.project, "init", "-q")
    git(tracked.project, "add", ".gitignore", "nixrepro.lock")
    git(tracked.project, "commit", "-q", "-m", "first")
    done = tracked.python(
        RUN + "    mlflow.start_run(nested=True)\n"
        "made = mlflow.MlflowClient().create_run('0', tags={'nixrepro.lock': 'my own word'})\n"
        "print(made.data.tags['nixrepro.lock'])"
    )
    assert done.returncode == 0, done.stderr
    record = tracked.record()
    assert done.stdout.split()[-1] == record["environment"]["lock"]
    entries = record["trackers"]
    uri = f"sqlite:///{tracked.project}/mlflow.db"
    assert [(each["kind"], each["uri"]) for each in entries] == [("mlflow", uri)] * 3
    folder = tracked.folders()[0]
    for each in entries:
        assert tags(tracked.project / "mlflow.db", each["run"]) == expected(record)
        carried = tracked.project / "mlruns/0" / each["run"] / "artifacts/nixrepro"
        names = {path.name: path.read_bytes() for path in carried.iterdir()}
        assert names == {
            "record.json": (folder / "record.json").read_bytes(),
            "nixrepro.lock": LOCK,
            "flake.lock": b"{}\n",
            "code.patch": (folder / "code.patch").read_bytes(),
        }


def test_a_server_gets_it_from_whom_the_program_was(
    tracked: Tracked, server: str, tmp_path: Path
) -> None:
    """The address that the program names holds a password: no record does."""
    public = server.replace("me:secret@", "")
    program = (
        f"import mlflow\nmlflow.set_tracking_uri({server!r})\n{RUN}"
        "there = mlflow.MlflowClient().get_run(run.info.run_id).data.tags\n"
        "print(there['nixrepro.record'], run.info.run_id)"
    )
    # A record has the command, word for word.
    (tracked.project / "train.py").write_text(f"import nixrepro_runtime.boot\n{program}")
    done = tracked.run("python", "train.py", MLFLOW_EXPERIMENT_NAME="first")
    assert done.returncode == 0, done.stderr
    record = tracked.record()
    (entry,) = record["trackers"]
    assert done.stdout.split()[-2:] == [record["id"], entry["run"]]
    assert entry == {"kind": "mlflow", "uri": public, "run": entry["run"]}
    assert "MLFLOW_EXPERIMENT_NAME" in record["tracking"]["passed"]
    assert record["layers"]["settings"]["passed"] == {}
    (folder,) = tracked.folders()
    for name in ("record.json", "events.jsonl"):
        assert b"secret" not in (folder / name).read_bytes()
    assert list(tracked.temporary.iterdir()) == []

    os.environ["MLFLOW_TRACKING_URI"] = server
    try:
        came = mlflow.fetch(entry["run"], tmp_path / "came")
        assert came == tmp_path / "came" / "nixrepro"
        assert (came / "record.json").read_bytes() == (folder / "record.json").read_bytes()
        assert (came / "nixrepro.lock").read_bytes() == LOCK
        with pytest.raises(FetchError, match=f"run {'0' * 32} of {public} can't be had"):
            mlflow.fetch("0" * 32, tmp_path)
        other = mlflow.library().MlflowClient().create_run("0").info.run_id
        with pytest.raises(FetchError, match="carries nothing of nixrepro"):
            mlflow.fetch(other, tmp_path)
        client = mlflow.library().MlflowClient()
        client.log_text(other, "{}", "nixrepro/nixrepro.lock")
        with pytest.raises(FetchError, match="carries nothing of nixrepro"):
            mlflow.fetch(other, tmp_path)
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]

    again = tracked.run("python", "train.py", MLFLOW_RUN_ID=entry["run"])
    assert again.returncode == 0, again.stderr
    newest = tracked.newest()
    # Before the program ended, and when it had.
    assert again.stdout.split()[-2:] == [newest["id"], entry["run"]]
    assert newest["trackers"] == [entry]
    assert newest["experiment"] == record["experiment"]
    there = mlflow.library().MlflowClient(server).get_run(entry["run"]).data.tags
    assert {key: there.get(key) for key in expected(newest)} == expected(newest)


def test_a_killed_program_is_told_of_with_the_lock_of_its_start(tracked: Tracked) -> None:
    """And what took the lock's place meanwhile is not."""
    done = tracked.python(
        RUN + "import os, signal\n"
        "open('new', 'w').write('another lock')\n"
        "os.replace('new', 'nixrepro.lock')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert done.returncode == 137
    (entry,) = tracked.record()["trackers"]
    carried = tracked.project / "mlruns/0" / entry["run"] / "artifacts/nixrepro"
    assert (carried / "nixrepro.lock").read_bytes() == LOCK
    assert b'"status":"killed"' in (carried / "record.json").read_bytes()


def test_what_fails_fails_no_run(tracked: Tracked) -> None:
    """A lock that was written over, and a store that knows nothing of the run any more."""
    for name in ("empty.db", "other.db"):
        shutil.copy(tracked.project / "mlflow.db", tracked.project / name)
    done = tracked.python(
        RUN + "import os\n"
        "open('nixrepro.lock', 'w').write('another lock')\n"
        "mlflow.set_tracking_uri('sqlite:///other.db')\n"
        "mlflow.start_run(); mlflow.end_run()\n"
        "os.replace('empty.db', 'other.db')\n"
    )
    assert done.returncode == 0, done.stderr
    first, second = tracked.record()["trackers"]
    assert first["problem"] == "nixrepro.lock was changed after the run had started: it is left out"
    assert second["problem"] == f"Run with id={second['run']} not found"
    said = [line for line in done.stderr.splitlines() if "does not have all of the record" in line]
    assert [line.split()[2] for line in said] == [first["run"], second["run"]]
    carried = tracked.project / "mlruns/0" / first["run"] / "artifacts/nixrepro"
    assert not (carried / "nixrepro.lock").exists()
    assert (carried / "record.json").exists()


def test_a_trial_tells_no_tracker(tracked: Tracked) -> None:
    """Repetitions and mixtures of runs are no experiments of the person's."""
    done = tracked.python(
        RUN + "import os; print(os.environ.get('MLFLOW_TRACKING_URI'), run.data.tags != {})",
        NIXREPRO_TRACKERS="no",
        MLFLOW_TRACKING_URI="http://mirror.example",
    )
    assert done.stdout.split()[:1] == ["None"], done.stderr
    record = tracked.record()
    (entry,) = record["trackers"]
    assert "tracking" not in record
    assert not (tracked.project / "mlruns/0" / entry["run"] / "artifacts/nixrepro").exists()


def test_a_name_that_is_no_run() -> None:
    for name in ("", "../../secret", "a/b", "-option"):
        with pytest.raises(FetchError, match="no run of MLflow"):
            mlflow.fetch(name, Path("nowhere"))


def test_what_is_said_of_a_server_has_no_password() -> None:
    error = OSError("\nAPI request to http://me:secret@mirror.example/api failed\n<html>")
    assert mlflow.first_line(error) == "API request to http://mirror.example/api failed"

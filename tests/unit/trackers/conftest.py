"""A real MLflow, of the machine's own Python, in a made-up environment; its server on loopback."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import nixrepro.runtime

from ..runtime.conftest import Workshop

# Its makers need hear nothing of tests.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
LOCK = b"the lock\n"
# MLflow's own application, for one person only.
GUARDED = """
from flask import abort, request
from mlflow.server import app

@app.before_request
def guard():
    known = request.authorization
    if request.path != "/health" and (known is None or known.password != "secret"):
        abort(401)
"""


class Tracked(Workshop):
    """A workshop whose environment has MLflow, and the runtime as a distribution that it finds."""

    def __init__(self, folder: Path, database: Path) -> None:
        super().__init__(folder)
        about = self.site / "nixrepro_runtime-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: nixrepro-runtime\nVersion: 1")
        stated = Path(nixrepro.runtime.__path__[0], "entry_points.txt")
        shutil.copy(stated, about)
        wheel = {"name": "mlflow-skinny", "version": "3", "path": "/nix/store/0-mlflow-skinny"}
        self.environment["layers"]["wheels"] = [wheel]
        self.environment["lock"] = hashlib.sha256(LOCK).hexdigest()
        (self.project / "nixrepro.lock").write_bytes(LOCK)
        (self.project / "flake.lock").write_text("{}\n")
        self.store("mlflow.db", database)
        (self.project / ".gitignore").write_text("*.db\nmlruns\n.nixrepro\n")
        self.git("init", "-q")
        self.git("add", ".gitignore", "nixrepro.lock")
        self.git("commit", "-q", "-m", "first")

    def store(self, name: str, database: Path) -> None:
        """Lay an empty database, with its artifacts in the project: to make one takes seconds."""
        shutil.copy(database, self.project / name)
        with closing(sqlite3.connect(self.project / name)) as opened, opened:
            place = (f"{self.project}/mlruns/0",)
            opened.execute("update experiments set artifact_location = ?", place)

    def git(self, *words: str) -> None:
        identity = "-c user.name=a -c user.email=a@mirror.example -c init.defaultBranch=main"
        argv = ["git", "-C", str(self.project), *identity.split(), *words]
        subprocess.run(argv, check=True)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of MLflow's."""
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    code = "import sys, mlflow; mlflow.MlflowClient(sys.argv[1]).search_experiments()"
    argv = [sys.executable, "-c", code, f"sqlite:///{path}"]
    subprocess.run(argv, check=True, capture_output=True, cwd=path.parent)
    return path


@pytest.fixture
def tracked(tmp_path: Path, database: Path) -> Tracked:
    return Tracked(tmp_path, database)


@pytest.fixture(scope="session")
def server(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of MLflow's own tracking server, which keeps artifacts too, with a password."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(database, folder / "mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        # As `mlflow server` hands its options on.
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    (folder / "guarded.py").write_text(GUARDED)
    argv = [sys.executable, "-m", "flask", "--app", "guarded:app", "run", "-p", str(port)]
    log = (folder / "log").open("wb")
    child = subprocess.Popen(
        argv, cwd=folder, env={**os.environ, **settings}, stdout=log, stderr=log
    )
    end = time.monotonic() + 120
    while not _answers(f"http://127.0.0.1:{port}/health"):
        assert child.poll() is None and time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.05)
    yield f"http://me:secret@127.0.0.1:{port}"
    child.kill()
    child.wait()
    log.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):
            return True
    except OSError:
        return False

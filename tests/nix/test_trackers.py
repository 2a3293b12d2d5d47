"""A locked environment with real trackers in it: they find the runtime by their own ways."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nixrepro.runtime.trackers.facts import nested, tags_of
from nixrepro.trackers import mlflow, wandb

from .conftest import REPOSITORY, Project, call
from .test_suites import locked

WANTED = """\
[project]
name = "tracked"
version = "0"
dependencies = ["mlflow-skinny", "sqlalchemy", "alembic", "wandb"]

[tool.nixrepro]
record-urls = false

[tool.nixrepro.base]
"""
MLPROJECT = """\
name: tracked
entry_points:
  main:
    parameters:
      epochs: {type: int, default: 2}
    command: python train.py {epochs}
"""
TRAIN = """
import sys, mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("trained", int(sys.argv[1]))
print(run.info.run_id)
"""
OFFLINE = """
import wandb, nixrepro_runtime as nr
with wandb.init(project="digits", config={"rate": 0.5}) as run:
    run.log({"loss": 0.25})
    nr.log(loss=0.25)
"""
# W&B's own messages, out of a log as LevelDB writes it, behind a header of 7 bytes.
READ = """
import json, struct, sys
from wandb.proto import wandb_internal_pb2

data, place, parts = open(sys.argv[1], "rb").read(), 7, b""
found = {"artifacts": []}
while place + 7 <= len(data):
    if 32768 - place % 32768 < 7:
        place += 32768 - place % 32768
        continue
    _, length, kind = struct.unpack_from("<IHB", data, place)
    parts += data[place + 7 : place + 7 + length]
    place += 7 + length
    if kind not in (1, 4):
        continue
    each, parts = wandb_internal_pb2.Record.FromString(parts), b""
    what = each.WhichOneof("record_type")
    if what in ("run", "config", "summary"):
        config = each.run.config if what == "run" else getattr(each, what)
        for item in config.update:
            name = "/".join(item.nested_key) or item.key
            found.setdefault(what, {})[name] = json.loads(item.value_json)
    elif what == "artifact":
        names = sorted(entry.path for entry in each.artifact.manifest.contents)
        found["artifacts"].append([each.artifact.type, names])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project on this repository's own locked base, realised."""
    root = tmp_path_factory.mktemp("tracked")
    shutil.copy(REPOSITORY / "nixrepro.lock", root)
    text = (REPOSITORY / "pyproject.toml").read_text()
    base = re.search(r"^\[tool\.nixrepro\.base\]\n(.*?)\n\n", text, re.M | re.S)
    assert base
    for name, content in (("MLproject", MLPROJECT), ("train.py", TRAIN), ("offline.py", OFFLINE)):
        (root / name).write_text(content)
    project = locked(root, WANTED + base[1] + "\n")
    done = project.nixrepro("run", "--no-record", "--", "true")
    assert done.status == 0, done.err
    return project


def newest(project: Project) -> dict[str, Any]:
    done = project.nixrepro("show", "--json")
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def run(project: Project, *words: str, **variables: str) -> str:
    """`nixrepro run` in the project's folder; what the program printed."""
    argv = [sys.executable, "-m", "nixrepro", "run", *words]
    done = call(argv, project.root, {"PYTHONPATH": str(REPOSITORY), **variables})
    assert done.status == 0, done.err
    return done.out


@pytest.mark.filterwarnings("ignore:The ``noload`` loader")  # MLflow's
def test_mlflow_runs_its_project_in_the_closure(
    tracked: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{tracked.root}/mlflow.db"
    argv = [sys.executable, "-m", "mlflow", "run", tracked.root, "--backend", "nixrepro"]
    where = {"MLFLOW_TRACKING_URI": store, "PYTHONPATH": str(REPOSITORY)}
    done = call([*argv, "-P", "epochs=3"], tracked.root, where)
    assert done.status == 0, done.err
    record = newest(tracked)
    (entry,) = record["trackers"]
    assert (entry["kind"], entry["uri"]) == ("mlflow", store)
    assert record["environment"]["path"] == str(tracked.build("environment"))

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    found = mlflow.library().MlflowClient().get_run(entry["run"])
    assert found.info.status == "FINISHED"
    assert (found.data.params, found.data.metrics) == ({"epochs": "3"}, {"trained": 3.0})
    assert {**found.data.tags, **tags_of(record)} == found.data.tags
    came = mlflow.fetch(entry["run"], tmp_path)
    assert json.loads((came / "record.json").read_bytes()) == record
    assert (came / "nixrepro.lock").read_bytes() == (tracked.root / "nixrepro.lock").read_bytes()


def test_mlflow_finds_the_runtime_by_its_extension_point(tracked: Project) -> None:
    """Where nothing is recorded nothing is watched, and what MLflow asks still has an answer."""
    program = "import mlflow; print(*mlflow.start_run().data.tags.items(), sep='\\n')"
    said = run(tracked, "--no-record", "--", "python", "-c", program).splitlines()
    path = str(tracked.build("environment"))
    assert [line for line in said if "nixrepro" in line] == [str(("nixrepro.environment", path))]


def test_wandb_keeps_the_run_offline(tracked: Project, tmp_path: Path) -> None:
    run(tracked, "--", "python", "offline.py", WANDB_MODE="offline", HOME=str(tmp_path))
    record = newest(tracked)
    (entry,) = record["trackers"]
    assert entry["path"] == f"digits/{entry['run']}"
    folder = tracked.root / entry["folder"]
    (log,) = folder.glob("*.wandb")
    found = json.loads(run(tracked, "--no-record", "--", "python", "-c", READ, str(log)))
    # What a run took from the network is in its layer of data at the end; this one took nothing.
    assert found["config"]["nixrepro"] == nested(tags_of(record))
    assert found["run"]["rate"] == 0.5
    metrics = record["fingerprint"]["metrics"]
    assert found["summary"]["nixrepro"] == {"record": record["id"], "metrics": metrics}
    (artifact,) = found["artifacts"]
    came = wandb.fetch(str(folder), tmp_path)
    names = sorted(path.name for path in came.iterdir())
    assert artifact == ["nixrepro", names]
    assert {"record.json", "nixrepro.lock"} <= set(names)
    carried = json.loads((came / "record.json").read_bytes())
    assert (carried["id"], carried["status"]) == (record["id"], "running")
    assert carried["result"]["logged"] == record["result"]["logged"]


def test_the_runtime_is_a_distribution_among_the_others(tracked: Project) -> None:
    program = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    names = run(tracked, "--no-record", "--", "python", "-c", program).split()
    assert names.count("nixrepro-runtime") == 1
    assert len(names) == len(set(names))
    assert int(tracked.build("checks.x86_64-linux.record").read_text().split()[0]) > 100
    assert os.listdir(tracked.root / ".nixrepro/runs")


@pytest.mark.filterwarnings("ignore:The ``noload`` loader")  # MLflow's
def test_a_run_is_launched_again_by_what_its_tracker_has_of_it(
    tracked: Project, tmp_path: Path
) -> None:
    root = tracked.root
    (root / ".gitignore").write_text(".nixrepro/\nwandb/\nmlruns/\n*.db\n")
    who = ("-c", "user.name=A", "-c", "user.email=a@mirror.example")
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "-m", "a")):
        subprocess.run(["git", *words], cwd=root, check=True)
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{root}/mlflow.db"}
    offline = {"WANDB_MODE": "offline", "HOME": str(tmp_path)}
    for words, where in ((("train.py", "4"), store), (("offline.py",), offline)):
        run(tracked, "--", "python", *words, **where)
        logged = newest(tracked)
        (entry,) = logged["trackers"]
        name = entry["folder"] if entry["kind"] == "wandb" else entry["run"]
        # Nothing but the tracker and the commit says what ran.
        (root / ".nixrepro" / "runs").rename(tmp_path / entry["kind"])
        (root / words[0]).write_text("raise SystemExit('of today')")
        argv = [sys.executable, "-m", "nixrepro", "relaunch", f"{entry['kind']}:{name}"]
        done = call([*argv, "--set", "seed=7"], root, {"PYTHONPATH": str(REPOSITORY), **where})
        assert done.status == 0, done.err
        new = newest(tracked)
        assert (new["relaunches"], new["changed"]) == (logged["id"], {"settings.seed": [42, 7]})
        assert new["environment"] == logged["environment"]
        (again,) = new["trackers"]
        assert again["kind"] == entry["kind"] and again["run"] != entry["run"]
        # What W&B keeps of a run lies with the run; MLflow's is on its server.
        (folder,) = (root / ".nixrepro" / "runs").glob("*/record.json")
        assert (folder.parent / "outputs" / "wandb").is_dir() == (entry["kind"] == "wandb")

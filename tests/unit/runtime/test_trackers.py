"""What runs of trackers carry, and what of a tracker may be recorded and may pass."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.runtime import result
from nixrepro.runtime.trackers import artefact, facts, private
from nixrepro.runtime.trackers.context import RunContext
from nixrepro.runtime.variables import tracking

from .conftest import Workshop

WORD = st.text("abcXYZ019-._~", min_size=1, max_size=8)


def test_outside_of_an_environment_there_is_nothing_to_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NIXREPRO_RUN", raising=False)
    facts._known.clear()
    assert not RunContext().in_context()
    assert RunContext().tags() == {}


def test_outside_of_a_run_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NIXREPRO_RUN", raising=False)
    path = "/nix/store/00000000000000000000000000000000-nixrepro-environment"
    monkeypatch.setattr("sys.prefix", path)
    facts._known.clear()
    assert RunContext().tags() == {"nixrepro.environment": path}
    facts._known.clear()


def test_a_record_that_is_gone_breaks_no_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for place, text in enumerate((None, "", "[]", '{"environment": 1}')):
        folder = tmp_path / str(place)
        folder.mkdir()
        if text is not None:
            (folder / "record.json").write_text(text)
        monkeypatch.setenv("NIXREPRO_RUN", str(folder))
        assert RunContext().tags() == {}


def test_a_commit_that_is_unknown_says_so(workshop: Workshop) -> None:
    workshop.run("true")
    tags = facts.tags_of(workshop.record())
    assert tags["nixrepro.commit"].startswith("unknown: ")
    nested = facts.nested(tags)
    assert nested["environment-digest"] == tags["nixrepro.environment.digest"]
    assert nested["layers"]["system"] == tags["nixrepro.layers.system"]
    assert not any("." in name for name in (*nested, *nested["layers"]))


@given(WORD, WORD, WORD, st.integers(1, 65535), WORD)
def test_no_address_is_recorded_with_credentials(
    name: str, password: str, host: str, port: int, path: str
) -> None:
    for scheme in ("http", "https", "postgresql", "mysql+pymysql"):
        place = f"{scheme}://{host}:{port}/{path}"
        assert facts.without_credentials(place) == place
        whole = f"{scheme}://{name}:{password}@{host}:{port}/{path}?password={password}"
        assert facts.without_credentials(whole) == place


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("mlruns", "{here}/mlruns"),
        ("file:mlruns", "file://{here}/mlruns"),
        ("file:///store/mlruns", "file:///store/mlruns"),
        ("sqlite:///mlflow.db", "sqlite:///{here}/mlflow.db"),
        ("sqlite:////store/mlflow.db", "sqlite:////store/mlflow.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("databricks", "databricks"),
        ("databricks://profile", "databricks://profile"),
        ("http://mirror.example:5000", "http://mirror.example:5000"),
    ],
)
def test_an_address_means_the_same_from_any_folder(
    uri: str, meant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    found = facts.absolute(uri)
    assert found == meant.format(here=tmp_path)
    monkeypatch.chdir("/")
    assert facts.absolute(found) == found


def test_what_is_private_is_nobody_elses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("OTHER", "not of a tracker")
    private.leave("http://me:secret@mirror.example", "1")
    private.leave("http://mirror.example", "2")
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    found = private.left(str(tmp_path))
    assert found["1"]["uri"] == "http://me:secret@mirror.example"
    assert found["2"]["variables"]["MLFLOW_TRACKING_TOKEN"] == "secret"
    assert "OTHER" not in found["2"]["variables"]
    with file.open("a") as stream:
        stream.write('{"run": "3"')
    assert set(private.left(str(tmp_path))) == {"1", "2"}
    assert private.left(str(tmp_path / "none")) == {}


HOST = {
    "MLFLOW_TRACKING_URI": "http://mirror.example",
    "MLFLOW_CONDA_HOME": "/opt",
    "WANDB_API_KEY": "secret",
    "WANDB_SWEEP_ID": "1",
    "AWS_SECRET_ACCESS_KEY": "secret",
}


@pytest.mark.parametrize(
    ("wheels", "named", "passing"),
    [
        ((), (), {}),
        (("numpy",), (), {}),
        (("mlflow-skinny",), (), {"MLFLOW_TRACKING_URI"}),
        (("mlflow", "wandb"), (), {"MLFLOW_TRACKING_URI", "WANDB_API_KEY"}),
        (("mlflow", "wandb"), ("WANDB_API_KEY",), {"MLFLOW_TRACKING_URI"}),
    ],
)
def test_where_and_as_whom_to_log_passes_to_a_tracker_that_is_there(
    wheels: tuple[str, ...], named: tuple[str, ...], passing: set[str]
) -> None:
    found = tracking([{"name": name} for name in wheels], HOST, named)
    assert found == {name: HOST[name] for name in passing}


def test_in_a_trial_nobody_logs_anywhere() -> None:
    wheels: list[dict[str, Any]] = [{"name": "mlflow"}, {"name": "wandb"}]
    host = {**HOST, "NIXREPRO_TRACKERS": "no"}
    assert tracking(wheels, host, ()) == {"WANDB_MODE": "offline"}


def test_what_the_project_states_is_the_last_word(workshop: Workshop) -> None:
    workshop.environment["layers"]["wheels"] = [{"name": "wandb", "version": "1", "path": "/0"}]
    workshop.settings["variables"]["WANDB_MODE"] = "disabled"
    done = workshop.run(
        "sh", "-c", "echo $WANDB_MODE $WANDB_PROJECT", WANDB_MODE="online", WANDB_PROJECT="mine"
    )
    assert done.stdout.split() == ["disabled", "mine"]
    first = workshop.record()
    assert set(first["tracking"]["passed"]) == {"WANDB_MODE", "WANDB_PROJECT"}
    workshop.run("sh", "-c", "echo $WANDB_MODE $WANDB_PROJECT", WANDB_PROJECT="another")
    newest = workshop.newest()
    assert newest["tracking"] != first["tracking"]
    assert newest["experiment"] == first["experiment"]


def test_each_run_of_a_tracker_is_named_once() -> None:
    one = {"event": "tracker", "pid": 1, "kind": "mlflow", "uri": "u", "run": "1"}
    events = [
        one,
        {"event": "log", "pid": 1, "metrics": {}},
        {**one, "pid": 2},
        {**one, "run": "2"},
    ]
    assert result.trackers(events) == [
        {"kind": "mlflow", "uri": "u", "run": "1"},
        {"kind": "mlflow", "uri": "u", "run": "2"},
    ]


def test_the_folder_holds_what_there_is(tmp_path: Path) -> None:
    run = tmp_path / "project" / ".nixrepro" / "runs" / "0"
    run.mkdir(parents=True)
    (tmp_path / "project" / "nixrepro.lock").write_bytes(b"x")
    known = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    target = tmp_path / "target"
    locks = artefact.locks_beside(str(run))
    assert artefact.lay(str(target), b"{}\n", str(run), locks, known) == ""
    assert sorted(os.listdir(target)) == ["nixrepro.lock", "record.json"]
    other = tmp_path / "other"
    assert "was changed" in artefact.lay(str(other), b"{}\n", str(run), locks, "0" * 64)
    assert os.listdir(other) == ["record.json"]


@given(WORD, WORD)
def test_no_password_is_in_what_is_said_of_a_failure(name: str, password: str) -> None:
    told: list[dict[str, Any]] = []

    def fail() -> None:
        secret = f"{name}:{password}@{password}"
        raise OSError(f"API request to https://{secret}@mirror.example/api failed for a@b.example")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts.events, "write", lambda _, **entry: told.append(entry))
        facts.quietly("mlflow", fail)
    said = "OSError: API request to https://mirror.example/api failed for a@b.example"
    assert told == [{"where": "mlflow", "message": said}]

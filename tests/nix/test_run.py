"""Training as an app and as a derivation: the same weights, each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nixrepro import record

from .conftest import Project, call, checked


def fingerprint(project: Project) -> dict[str, Any]:
    """Of the newest record."""
    document = record.load(project.root).document
    assert document["status"] == "done"
    found: dict[str, Any] = document["fingerprint"]
    return found


def test_the_app_gives_the_same_weights_twice(project: Project) -> None:
    found = []
    for _ in range(2):
        argv = ["nix", "run", "--offline", f"path:{project.root}#train"]
        done = call(argv, project.root)
        assert done.status == 0, done.err
        assert "final test accuracy: 0.9" in done.out
        assert f"record {record.load(project.root).document['id'][:12]}" in done.err
        found.append(fingerprint(project))
    assert found[0] == found[1]
    assert len(found[0]["weights"]) == 64


def test_the_app_refuses_code_that_is_not_committed(project: Project) -> None:
    app = Path(checked(["readlink", "-f", project.build("train")]))
    done = call(["env", "NIXREPRO_REQUIRE_CLEAN=1", app], project.root)
    assert done.status == 2
    assert "--require-clean: the project's folder is in no Git repository" in done.err
    assert done.out == "" and done.err.count("\n") == 1


def test_a_training_derivation_gives_the_apps_weights_and_is_reproducible(
    project: Project,
) -> None:
    out = project.build("run")
    outcome = json.loads((out / "outcome.json").read_text())
    assert outcome["status"] == "done"
    assert (out / "weights.npz").stat().st_size > 30_000
    done = call([Path(checked(["readlink", "-f", project.build("train")]))], project.root)
    assert done.status == 0, done.err
    assert outcome["fingerprint"] == fingerprint(project)
    drv = checked(["nix-store", "--query", "--deriver", out])
    again = call(["nix-store", "--realise", "--check", drv])
    assert again.status == 0, again.err


def test_other_settings_leave_the_environment_and_change_the_run(
    project: Project, tmp_path: Path
) -> None:
    from .conftest import copy_project

    other = Project(copy_project(tmp_path / "other"))
    text = (other.root / "pyproject.toml").read_text()
    (other.root / "pyproject.toml").write_text(text.replace("seed = 42", "seed = 43"))
    assert other.build("environment") == project.build("environment")
    assert other.build("settings") != project.build("settings")

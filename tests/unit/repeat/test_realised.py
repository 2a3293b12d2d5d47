"""Which artefacts an environment needs, and how another one than the recorded is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.errors import BuildError
from nixrepro.lock import Artefact, Lock
from nixrepro.nix import Nix
from nixrepro.realise import Environment
from nixrepro.record import Record
from nixrepro.repeat import OtherEnvironment, realised
from nixrepro.repeat.recipe import of

from ..lab import DIGEST, NAR, STORE

WHEEL = f"/nix/store/{'1' * 32}-numpy-2.1"
PYPROJECT = """
[tool.nixrepro]
[tool.nixrepro.data.used]
path = "used.csv"
sha256 = "{0}"
optional = true
[tool.nixrepro.data.unused]
path = "unused.csv"
sha256 = "{0}"
optional = true
""".format("a" * 64)


class Project:
    """A project whose environment is there, or not, or fails to build."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root / "tree"
        self.person = root / "person"
        self.root.mkdir()
        self.there = True
        self.failures = 0
        self.brought: list[tuple[Path, list[str], list[str]]] = []
        (self.root / "pyproject.toml").write_text(PYPROJECT)
        question = configs.question(configs.load(self.root))
        wheel = Artefact(
            "wheels", "numpy", "2.1", "wheel", "", "numpy-2.1-py3-none-any.whl", 1, "b" * 64, "", ""
        )
        data = [
            Artefact("data", name, "", "file", "", f"{name}.csv", 1, "a" * 64, "", "",
                     path=f"{name}.csv", optional=True)
            for name in ("unused", "used")
        ]  # fmt: skip
        locks.save(self.root / locks.FILE, Lock("3.11.2", "2.36", question, (wheel, *data)))
        self.facts: dict[str, Any] = {
            "identity": {"path": STORE, "digest": DIGEST},
            "closure": [{"path": STORE, "narHash": NAR, "narSize": 5}],
            "layers": {"system": [], "wheels": [{"name": "numpy", "path": WHEEL}]},
        }
        document = {
            "id": "9" * 64,
            "environment": {"path": STORE, "digest": DIGEST},
            "closure": list(self.facts["closure"]),
            "layers": {"system": [], "wheels": [], "settings": {}},
            "result": {"data": [{"name": "used", "pinned": True}]},
        }
        self.record = Record(root, document)
        monkeypatch.setattr(realised, "check", lambda _: None)
        monkeypatch.setattr(realised, "realise", self.realise)
        monkeypatch.setattr(realised, "bring", self.bring)
        monkeypatch.setattr(Nix, "valid", lambda _, paths: set(paths) if self.there else set())

    def realise(self, root: Path, _: Nix, prepare: Callable[[], None], __: Any) -> Environment:
        prepare()
        if self.failures:
            self.failures -= 1
            raise BuildError("an artefact is not there")
        path = root / "facts.json"
        path.write_text(json.dumps(self.facts))
        return Environment(STORE, "", str(path), "", {})

    def bring(self, config: Any, lock: Lock, _: Nix, *, data: Any, folder: Any) -> None:
        self.brought.append((config.root, [each.name for each in lock.artefacts], list(data)))

    def environment(self) -> Environment:
        return realised.environment(self.person, self.root, of(self.record), Nix(), lambda _: None)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


def test_of_what_is_there_only_data_is_brought_and_what_was_used(project: Project) -> None:
    assert project.environment().path == STORE
    # Local files are those of the person's own project.
    assert project.brought == [(project.person, ["unused", "used"], ["used"])]


def test_all_is_brought_for_what_must_be_built(project: Project) -> None:
    project.there = False
    project.environment()
    assert project.brought[0][1] == ["numpy", "unused", "used"]
    project.failures = 1
    with pytest.raises(BuildError):
        project.environment()
    assert len(project.brought) == 2


def test_what_is_there_but_can_not_be_realised_is_built_anew(project: Project) -> None:
    project.failures = 1
    project.environment()
    assert [names for _, names, _ in project.brought] == [
        ["unused", "used"],
        ["numpy", "unused", "used"],
    ]


def test_another_environment_is_told_path_by_path(project: Project) -> None:
    gone = f"/nix/store/{'2' * 32}-gone"
    project.record.document["closure"] += [{"path": gone, "narHash": NAR, "narSize": 1}]
    project.facts["closure"] = [
        {"path": STORE, "narHash": f"sha256:{'1' * 52}", "narSize": 5},
        {"path": WHEEL, "narHash": NAR, "narSize": 1},
    ]
    project.facts["identity"]["digest"] = "0" * 64
    with pytest.raises(OtherEnvironment, match="3 store paths differ") as error:
        project.environment()
    assert [(each.subject, each.layer) for each in error.value.findings] == [
        (STORE, ""),
        (WHEEL, "wheels"),
        (gone, ""),
    ]
    reasons = [each.reason for each in error.value.findings]
    assert reasons[0] == f"has other bytes: sha256:{'1' * 52} instead of {NAR}"
    assert reasons[1:] == [
        "is part of it now and was not then",
        "was part of it then and is not now",
    ]
    assert all(reason in error.value.details for reason in reasons)

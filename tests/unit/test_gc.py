"""What a project keeps is what ran or is current; letting go of it is for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nixrepro import gc
from nixrepro.canonical import digest
from nixrepro.cli import verbs
from nixrepro.errors import NixreproError
from nixrepro.nix import Nix
from nixrepro.realise import Environment, current, realise, root_name
from nixrepro.runtime.folder import Folder

from .store import Store, make_project
from .test_record import make


class Fixture:
    """A project with two environments, the second of them current; runs as a test wants them."""

    def __init__(self, folder: Path) -> None:
        self.root = make_project(folder / "project")
        self.store = Store(folder / "store")
        self.first = self.realise()
        self.store.name = "e2"
        (self.root / "nixrepro.lock").write_text("version = 1 # two\n")
        self.second = self.realise()
        self.runs = 0

    def realise(self) -> Environment:
        return realise(self.root, self.store.nix, lambda: None, lambda: None)

    def ran(self, path: str) -> None:
        self.runs += 1
        record: dict[str, Any] = make(self.runs)
        record["environment"].update(path=path, digest=digest(path))
        Folder(str(self.root), record["id"]).save(record, final=True)

    def links(self) -> set[str]:
        roots = self.root / ".nixrepro" / "roots"
        return {link.name for link in roots.iterdir() if not link.name.startswith("shell")}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fixture:
    found = Fixture(tmp_path)
    monkeypatch.setattr("nixrepro.nix.run", found.store)
    monkeypatch.setattr("nixrepro.nix.Nix", lambda: Nix(found.store))
    return found


def invoke(project: Fixture, *words: str) -> Result:
    argv = ["-C", str(project.root), "gc", *words]
    return CliRunner().invoke(verbs, argv, standalone_mode=False)


def test_nothing_kept_yet(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    assert gc.kept(tmp_path) == []
    done = CliRunner().invoke(verbs, ["-C", str(tmp_path), "gc"], standalone_mode=False)
    assert (done.return_value, done.stderr) == (0, "nothing is kept yet\n")
    assert gc.drop(tmp_path, []) == []


def test_the_current_one_is_first_and_runs_are_counted(project: Fixture) -> None:
    for _ in range(3):
        project.ran(project.first.path)
    second, first = gc.kept(project.root)
    assert (second.environment, second.current, second.runs) == (project.second.path, True, 0)
    assert (first.environment, first.current, first.runs) == (project.first.path, False, 3)
    assert first.name == root_name(project.first.path)
    assert first.last == make(3)["started"]


def test_the_verb_lists_them(project: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nixrepro.nix.Nix", lambda: project.store.nix)
    project.ran(project.first.path)
    lines = invoke(project).stdout.splitlines()
    assert lines[0].split() == ["name", "runs", "last", "run", "size", "environment"]
    name = root_name(project.second.path)[:12]
    assert lines[1].split() == [name, "0", "-", "2.4", "GB", "current", project.second.path]
    assert lines[2].split()[1:4] == ["1", "2026-01-01", "00:00:01"]
    found = json.loads(invoke(project, "--json").stdout)["kept"]
    assert [item["runs"] for item in found] == [0, 1]


def test_a_run_made_by_nix_alone_is_kept_from_then_on(project: Fixture, tmp_path: Path) -> None:
    other = project.store.folder / "other-nixrepro-environment"
    other.mkdir()
    project.ran(str(other))
    project.ran(str(tmp_path / "collected-environment"))
    assert gc.keep_recorded(project.root, project.store.nix) == 1
    assert gc.keep_recorded(project.root, project.store.nix) == 0
    assert "other" in project.links()
    assert "collected" not in project.links()


def test_in_a_project_that_was_moved_all_is_kept_anew(project: Fixture, tmp_path: Path) -> None:
    project.ran(project.first.path)
    moved = project.root.rename(tmp_path / "moved")
    project.store.roots.clear()
    assert gc.keep_recorded(moved, project.store.nix) == 0
    names = {root_name(environment.path) for environment in (project.first, project.second)}
    assert project.store.roots == {moved / ".nixrepro" / "roots" / name for name in names}


def test_what_is_dropped_stays_dropped_though_records_name_it(project: Fixture) -> None:
    project.ran(project.first.path)
    project.ran(project.second.path)
    name = root_name(project.first.path)
    done = invoke(project, "--drop", name[:3])
    assert done.return_value == 0
    assert f"no longer kept: {name} {project.first.path}" in done.stderr
    assert "1 dropped" in done.stderr
    assert project.links() == {root_name(project.second.path)}
    invoke(project)
    assert project.links() == {root_name(project.second.path)}


def test_what_is_realised_again_is_kept_again(project: Fixture) -> None:
    invoke(project, "--drop", root_name(project.second.path))
    assert not any((project.root / ".nixrepro" / "roots").glob("shell*"))
    assert current(project.root) == ""
    project.realise()
    assert root_name(project.second.path) in project.links()
    assert current(project.root) == project.second.path


def test_only_the_unused_go(project: Fixture) -> None:
    project.store.name = "e3"
    (project.root / "nixrepro.lock").write_text("version = 1 # three\n")
    third = project.realise()
    project.ran(project.first.path)
    done = invoke(project, "--unused", "--json")
    dropped = json.loads(done.stdout)["dropped"]
    assert [item["environment"] for item in dropped] == [project.second.path]
    assert project.links() == {root_name(project.first.path), root_name(third.path)}
    assert "0 dropped" in invoke(project, "--unused").stderr


def test_named_twice_it_is_dropped_once(project: Fixture) -> None:
    name = root_name(project.first.path)
    assert len(gc.drop(project.root, [name, name[:2], name])) == 1


@pytest.mark.parametrize(
    ("name", "said"), [("e", "several"), ("zz", "no environment"), ("", "no environment")]
)
def test_a_name_that_means_none_or_several_drops_nothing(
    project: Fixture, name: str, said: str
) -> None:
    before = project.links()
    with pytest.raises(NixreproError, match=said) as caught:
        gc.drop(project.root, [root_name(project.first.path), name])
    assert "nixrepro gc" in caught.value.hint
    assert project.links() == before

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


def outcomes(project: Fixture, key: str, *names: str) -> Path:
    """A bisection that has tried some mixes: its folder."""
    folder = project.root / ".nixrepro" / "bisect" / key
    folder.mkdir(parents=True)
    (folder.parent / "lock").touch()
    (folder / "failed.json").write_text("{}")
    for name in names:
        (project.store.folder / name).mkdir()
        (folder / name).symlink_to(project.store.folder / name)
    return folder


def explained(project: Fixture, *keys: str) -> Path:
    folder = project.root / ".nixrepro" / "trials"
    for key in keys:
        (folder / key).mkdir(parents=True)
    (folder / "abc.error.txt").touch()
    return folder


def test_trials_of_bisect_and_explain_are_listed(project: Fixture) -> None:
    outcomes(project, "3fa2b1c4d5e6f708", "one", "two")
    explained(project, "k1", "k1-2", "k2")
    lines = [line.split() for line in invoke(project).stdout.splitlines()[2:]]
    by_name = {cells[0]: cells[1:] for cells in lines}
    assert by_name["bisect/3fa2b1c4"][:1] == ["2"]
    assert by_name["bisect/3fa2b1c4"][-4:] == [
        "4",
        "B",
        "trials",
        ".nixrepro/bisect/3fa2b1c4d5e6f708",
    ]
    assert (by_name["trials"][0], by_name["trials"][-3:]) == (
        "3",
        ["-", "trials", ".nixrepro/trials"],
    )
    found = json.loads(invoke(project, "--json").stdout)
    assert len(found["kept"]) == 2
    said = {item["name"]: item for item in found["trials"]}
    assert said["trials"]["paths"] == []
    paths = [str(project.store.folder / name) for name in ("one", "two")]
    assert said["bisect/3fa2b1c4d5e6f708"]["paths"] == paths


def test_trials_are_dropped_by_name_and_by_nothing_else(project: Fixture) -> None:
    first, second = outcomes(project, "3fa2", "one"), outcomes(project, "77", "two")
    folder = explained(project, "k1")
    assert "1 dropped" in invoke(project, "--unused").stderr  # the first environment
    done = invoke(project, "--drop", "bisect/3f", "--json")
    assert [item["name"] for item in json.loads(done.stdout)["trials"]] == ["bisect/3fa2"]
    assert (first.exists(), second.exists(), folder.exists()) == (False, True, True)
    assert (project.store.folder / "one").exists()
    name = root_name(project.second.path)
    done = invoke(project, "--drop", "trials", "--drop", name)
    assert "no longer kept: trials (1 trial)\n" in done.stderr
    assert "2 dropped" in done.stderr
    assert not folder.exists() and not project.links()


def test_all_bisections_go_at_once(project: Fixture) -> None:
    folders = [outcomes(project, key, key) for key in ("aa", "ab")]
    with pytest.raises(NixreproError, match="'bisect/a' means several trials"):
        gc.let_go(project.root, ["bisect/a"], unused=True)
    assert all(folder.exists() for folder in folders)
    assert len(project.links()) == 2  # nothing else either
    gc.let_go(project.root, ["bisect"], unused=False)
    assert not any(folder.exists() for folder in folders)
    with pytest.raises(NixreproError, match="'bisect' means no trials"):
        gc.let_go(project.root, ["bisect"], unused=False)


def test_in_a_project_that_was_moved_trials_are_kept_anew(project: Fixture, tmp_path: Path) -> None:
    outcomes(project, "aa", "one")
    moved = project.root.rename(tmp_path / "moved")
    project.store.roots.clear()
    gc.keep_recorded(moved, project.store.nix)
    assert moved / ".nixrepro" / "bisect" / "aa" / "one" in project.store.roots

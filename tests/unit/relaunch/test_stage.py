"""A recorded run launched again as a new one: in its own tree, with what is to change."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nixrepro import lock as locks
from nixrepro import record
from nixrepro.errors import NixreproError, RunError
from nixrepro.lock import Artefact, Lock
from nixrepro.nix import Nix
from nixrepro.record import Record
from nixrepro.record_text import lines
from nixrepro.relaunch import opened, parse, relaunch
from nixrepro.repeat import check
from nixrepro.repeat.realised import Supply

from ..lab import Lab, furnish

SEED = "import os; print(os.environ['NIXREPRO_SEED'], os.environ.get('X'))"


def again(lab: Lab, text: str, *sets: str, command: tuple[str, ...] = ()) -> Record:
    with opened(lab.root, text, "launched again", lab.said.append) as origin:
        return relaunch(
            lab.root,
            origin,
            parse(sets, command),
            Nix(),
            supply=Supply(),
            steps=None,
            say=lab.said.append,
        )


@pytest.fixture(autouse=True)
def roots(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is kept from the garbage collector; there is no Nix."""
    kept: list[Any] = []
    monkeypatch.setattr("nixrepro.gc.keep_recorded", lambda *_: 0)
    monkeypatch.setattr("nixrepro.gc.keep_data", lambda _, __, data: kept.extend(data))
    return kept


MAKES = """
import os
os.makedirs('models/deep'); open('models/deep/weights', 'w').write('new')
open('train.py', 'a').write('# changed'); open('.hidden', 'w'); os.symlink('train.py', 'link')
"""


def test_what_the_program_makes_is_kept(lab: Lab) -> None:
    lab.commit()
    lab.write("new.txt", "not committed")
    run = lab.run("python", "-c", "pass")
    new = again(lab, run.document["id"][:12], command=("python", "-c", MAKES))
    kept = new.folder / "outputs"
    found = sorted(str(p.relative_to(kept)) for p in kept.rglob("*") if not p.is_dir())
    assert found == [".hidden", "link", "models/deep/weights", "train.py"]
    assert (kept / "models" / "deep" / "weights").read_text() == "new"
    assert (kept / "link").is_symlink()
    place = f".nixrepro/runs/{new.folder.name}/outputs"
    assert f"nixrepro: 4 files that it made in {place}" in lab.said
    assert not check(new.folder, new.document)
    # The project's own are as they were.
    assert not (lab.root / "models").exists()
    assert "# changed" not in (lab.root / "train.py").read_text()


def test_a_program_that_makes_nothing_leaves_nothing(lab: Lab) -> None:
    lab.commit()
    run = lab.run("python", "-c", "pass")
    assert not (again(lab, run.document["id"][:12]).folder / "outputs").exists()


def test_a_new_run_of_the_old_tree(lab: Lab) -> None:
    commit = lab.commit()
    lab.write("new.txt", "not committed")
    run = lab.run("python", "-c", f"{SEED}; print(open('new.txt').read())")
    lab.write("new.txt", "of today")
    lab.write("train.py", "of today")
    lab.commit()
    new = again(lab, run.document["id"][:12], "seed=7", "variables.X=1")
    assert lab.log(new) == "7 1\nnot committed\n"
    assert new.document["relaunches"] == run.document["id"]
    assert new.document["changed"] == {
        "settings.seed": [42, 7],
        "settings.variables.X": [None, "1"],
    }
    assert new.document["layers"]["code"] == run.document["layers"]["code"]
    assert new.document["layers"]["code"]["commit"] == commit
    assert new.document["experiment"] != run.document["experiment"]
    assert check(new.folder, new.document) == ()
    assert lab.left() == []
    shown = lines(new.document)
    assert any(line.endswith(f"relaunches {run.document['id'][:12]}") for line in shown)
    assert any(line.endswith("changed settings.seed: 42 -> 7") for line in shown)
    listed = {line.id: line for line in record.runs(lab.root)}
    assert listed[new.document["id"]].relaunches == run.document["id"]
    # The new one can be launched again itself.
    third = again(lab, "last", command=("python", "-c", "print('other')"))
    assert lab.log(third) == "other\n"
    assert third.document["relaunches"] == new.document["id"]
    assert third.document["layers"]["settings"]["seed"] == 7


def test_what_people_call_the_commit_comes_along(lab: Lab) -> None:
    lab.commit()
    lab.git("tag", "v1")
    lab.git("remote", "add", "origin", "https://git.example/a.git")
    run = lab.run()
    new = again(lab, "last", "seed=2")
    code = new.document["layers"]["code"]
    assert (code["remote"], code["describe"]) == ("https://git.example/a.git", "v1")
    assert code == run.document["layers"]["code"]
    assert check(new.folder, new.document) == ()


def test_without_a_change_it_is_the_same_experiment(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    new = again(lab, "last")
    assert new.document["changed"] == {}
    assert new.document["experiment"] == run.document["experiment"]
    assert new.document["fingerprint"] == run.document["fingerprint"]


def test_a_tracker_gets_a_run_of_its_own(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.commit()
    lab.settings["pass"] = ["MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI"]
    monkeypatch.setenv("MLFLOW_RUN_ID", "1234")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker.example")
    code = "import os; print(os.environ.get('MLFLOW_RUN_ID'), os.environ['MLFLOW_TRACKING_URI'])"
    run = lab.run("python", "-c", code)
    assert lab.log(run) == "1234 http://tracker.example\n"
    assert lab.log(again(lab, "last")) == "None http://tracker.example\n"
    assert not any("is not what it was" in line for line in lab.said)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://other.example")
    again(lab, run.document["id"])
    assert any(line.startswith("nixrepro: MLFLOW_TRACKING_URI is not") for line in lab.said)


def test_where_it_logs_now_is_told_of_what_passed_by_itself_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit()
    wheel = {"name": "mlflow-skinny", "version": "3", "path": "/nix/store/0-mlflow-skinny"}
    lab.facts["layers"]["wheels"] = [wheel]
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker.example")
    run = lab.run()
    assert list(run.document["tracking"]["passed"]) == ["MLFLOW_TRACKING_URI"]
    again(lab, "last")
    assert not any("is not what it was" in line for line in lab.said)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://other.example")
    lab.repeat(run)  # it logs nowhere
    assert not any("is not what it was" in line for line in lab.said)
    again(lab, run.document["id"])
    assert any(line.startswith("nixrepro: MLFLOW_TRACKING_URI is not") for line in lab.said)


@pytest.mark.parametrize("name", ["my best run", "0" * 16])
def test_a_copy_of_a_run_under_any_name(lab: Lab, tmp_path: Path, name: str) -> None:
    lab.commit()
    run = lab.run()
    copy = shutil.copytree(run.folder, tmp_path / name)
    assert again(lab, str(copy)).document["relaunches"] == run.document["id"]
    (copy / "log.txt").write_text("tampered")
    with pytest.raises(RunError, match="not as it was recorded, and is not launched again"):
        again(lab, str(copy))


def test_another_file_as_pinned_data(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, roots: list[Any]
) -> None:
    old, new = (hashlib.sha256(text).hexdigest() for text in (b"old", b"new"))
    data = Artefact("data", "table", "", "file", "", "a.csv", 3, old, "", "", path="a.csv")
    asked = {"data": {"table": {"sha256": old, "path": "a.csv"}}}
    locks.save(lab.root / locks.FILE, Lock("3.11.2", "2.36", asked, (data,)))
    lab.commit()
    run = lab.run()
    file = tmp_path / "mine.csv"
    file.write_bytes(b"new")
    store: dict[str, bytes] = {}

    def add(nix: Nix, files: list[Path]) -> list[str]:
        (path,) = files
        store[path.name] = path.read_bytes()
        return [nix.store_path(path.name, hashlib.sha256(path.read_bytes()).hexdigest())]

    monkeypatch.setattr(Nix, "add_fixed", add)
    monkeypatch.setattr(Nix, "valid", lambda *_: set())
    made = again(lab, "last", f"data.table={file}")
    assert made.document["changed"] == {"data.table": [old, new]}
    assert store == {"a.csv": b"new"}
    assert [each.name for each in roots] == [f"table-{new[:12]}"]
    # Its lock is in the record, so that the new run can be repeated too.
    patch = (made.folder / "code.patch").read_text()
    assert f'+sha256 = "{new}"' in patch and '-path = "a.csv"' in patch
    assert made.document["layers"]["code"]["commit"] == run.document["layers"]["code"]["commit"]
    file.write_bytes(b"old")
    assert again(lab, run.document["id"], f"data.table={file}").document["changed"] == {}
    for word, hint in ((f"data.tabel={file}", "data.table?"), ("data.table=/", "one file")):
        with pytest.raises(NixreproError) as error:
            again(lab, "last", word)
        assert hint in error.value.hint


def test_another_file_as_data_by_reference(lab: Lab, tmp_path: Path) -> None:
    locks.save(lab.root / locks.FILE, Lock("3.11.2", "2.36", {"data": {}}, ()))
    lab.write(".gitignore", ".nixrepro/\nhere.csv\n")
    lab.write("here.csv", "here")
    lab.commit()
    digests = [f"sha256:{hashlib.sha256(text).hexdigest()}" for text in (b"here", b"mine")]
    entry = {"reference": True, "path": "here.csv", "digest": digests[0], "dvc": ""}
    lab.settings["data"] = {"table": {**entry, "optional": False}}
    code = "import nixrepro_runtime as nr; print(open(nr.data('table')).read())"
    run = lab.run("python", "-c", code)
    assert lab.log(run) == "here\n"
    assert lab.log(again(lab, "last")) == "here\n"
    file = tmp_path / "mine.csv"
    file.write_text("mine")
    made = again(lab, run.document["id"], f"data.table={file}")
    assert lab.log(made) == "mine\n"
    assert made.document["changed"] == {"data.table": digests}
    with pytest.raises(NixreproError, match=r"there is no .*gone.csv"):
        again(lab, "last", "data.table=gone.csv")


def test_what_no_run_is_called(lab: Lab) -> None:
    with pytest.raises(NixreproError, match="'comet' can't be had") as error:
        again(lab, "comet:1234")
    assert "mlflow:RUN_ID" in error.value.hint
    with pytest.raises(NixreproError, match=r"nothing is called 'gone.tar' here"):
        again(lab, "gone.tar")


class Tracker:
    """A tracker that has what a run left, but for what it said."""

    def __init__(self, run: Record, project: Path) -> None:
        self.run, self.project = run, project
        self.asked: list[str] = []

    def fetch(self, run_id: str, target: Path) -> Path:
        self.asked.append(run_id)
        made = target / "nixrepro"
        made.mkdir()
        for name in ("record.json", "code.patch"):
            if (self.run.folder / name).exists():
                shutil.copy(self.run.folder / name, made)
        shutil.copy(self.project / "nixrepro.lock", made)
        return made


@pytest.fixture
def tracker(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    lab.commit()
    lab.write("train.py", "print('logged')")
    found = Tracker(lab.run(), lab.root)
    monkeypatch.setattr("nixrepro.relaunch.tracked.importlib.import_module", lambda _: found)
    return found


def test_a_run_in_a_tracker(lab: Lab, tracker: Tracker) -> None:
    lab.git("reset", "--quiet", "--hard")
    shutil.rmtree(tracker.run.folder.parent / "index.jsonl", ignore_errors=True)
    new = again(lab, "mlflow:0f3a", "seed=1")
    assert tracker.asked == ["0f3a"]
    assert lab.log(new) == "logged\n"
    assert new.document["relaunches"] == tracker.run.document["id"]


def test_a_run_in_a_tracker_is_cloned_where_it_is_not_at_home(
    lab: Lab, tracker: Tracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stated(remote: Any) -> None:
        document = json.loads((tracker.run.folder / "record.json").read_text())
        document["layers"]["code"]["remote"] = remote
        (tracker.run.folder / "record.json").write_text(json.dumps(document))

    elsewhere = Lab(tmp_path / "elsewhere")
    elsewhere.environment = lab.environment
    furnish(elsewhere, monkeypatch)
    elsewhere.write("other.txt", "so that it has no commit of the same name")
    elsewhere.commit()
    for remote in ("ext::sh -c touch% x", "--upload-pack=x", {"unknown": "there is none"}, None):
        stated(remote)
        with pytest.raises(RunError, match="is not in the repository here, and the record names"):
            again(elsewhere, "mlflow:0f3a")
    stated(f"file://{tmp_path}/nothing.git")
    with pytest.raises(RunError, match="is not to be had from file:"):
        again(elsewhere, "mlflow:0f3a")
    stated(f"file://{lab.top}")
    new = again(elsewhere, "mlflow:0f3a")
    assert elsewhere.log(new) == "logged\n"
    assert new.folder.is_relative_to(elsewhere.root)
    assert any(line.startswith("nixrepro: cloning file://") for line in elsewhere.said)


def test_where_in_its_repository_a_cloned_project_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path, "models/a")
    furnish(lab, monkeypatch)
    lab.git("remote", "add", "origin", f"file://{lab.top}")
    lab.commit()
    found = Tracker(lab.run(), lab.root)
    monkeypatch.setattr("nixrepro.relaunch.tracked.importlib.import_module", lambda _: found)
    bare = Lab(tmp_path / "bare")
    bare.environment = lab.environment
    shutil.rmtree(bare.top / ".git")
    furnish(bare, monkeypatch)
    new = again(bare, "mlflow:1")
    assert new.document["fingerprint"] == found.run.document["fingerprint"]
    # Two projects of one lock can't be told apart, unless one stands in one of them.
    shutil.copytree(lab.root, lab.top / "models" / "b", ignore=shutil.ignore_patterns(".nixrepro"))
    lab.commit()
    found.run = lab.run()
    with pytest.raises(RunError, match=r"models/a, models/b have the nixrepro.lock"):
        again(bare, "mlflow:1")
    assert again(lab, "mlflow:1").document["relaunches"] == found.run.document["id"]


@pytest.mark.parametrize("damage", ["lock", "patch", "record", "link"])
def test_what_a_tracker_gives_must_fit(lab: Lab, tracker: Tracker, damage: str) -> None:
    genuine = tracker.fetch

    def fetch(run_id: str, target: Path) -> Path:
        made = genuine(run_id, target)
        if damage == "lock":
            (made / "nixrepro.lock").write_text("version = 1\n# another\n")
        if damage == "patch":
            (made / "code.patch").write_text("")
        if damage == "record":
            path = made / "record.json"
            path.write_text(path.read_text().replace('"seed":42', '"seed":43'))
        if damage == "link":
            (made / "log.txt").symlink_to("/etc/hostname")
        return made

    tracker.fetch = fetch  # type: ignore[method-assign]
    with pytest.raises(RunError):
        again(lab, "wandb:team/project/1")
    assert len(record.runs(lab.root)) == 1

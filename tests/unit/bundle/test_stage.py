"""A run bundled and launched again from that alone: the same bytes, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nixrepro import lock as locks
from nixrepro.bundle import stage, writing
from nixrepro.bundle.filling import fill
from nixrepro.bundle.manifest import written
from nixrepro.bundle.named import shown
from nixrepro.bundle.opening import bundled
from nixrepro.bundle.reading import open_bundle
from nixrepro.bundle.sources import of_file
from nixrepro.errors import BuildError, NixreproError, RunError
from nixrepro.lock import Artefact
from nixrepro.nix_store import Store
from nixrepro.process import Completed
from nixrepro.realise import Environment
from nixrepro.record import Record
from nixrepro.relaunch import opened, parse, relaunch
from nixrepro.repeat import realised
from nixrepro.repeat.realised import Supply
from nixrepro.verify.bundled import check_bundle, check_bundled_run
from nixrepro.verify.display import Silent
from nixrepro.verify.verdict import State

from ..repeat.test_stage import with_submodule
from .conftest import FILES, World

PLACES = ["run.tar", "run"]


def launch(world: World, path: Path, folder: Path, *sets: str) -> Record:
    """Launch a bundle's run again in a bare folder, with the empty store."""
    folder.mkdir()
    said = world.lab.said.append
    with opened(folder, str(path), "launched again", said) as origin:
        changes, nix = parse(sets), world.there.nix
        return relaunch(folder, origin, changes, nix, supply=Supply(), steps=None, say=said)


@pytest.fixture
def run(world: World) -> Record:
    """Of a project in a folder of its repository, with changes that were not committed."""
    world.lab.write("train.py", "import nixrepro_runtime as n\nn.log(a=1)\nprint(open('x').read())")
    world.lab.write("x", "not committed")
    world.lab.write("big.bin", b"x" * 5_000_001)
    return world.lab.run()


@pytest.mark.parametrize("name", PLACES)
def test_a_bundle_is_all_that_is_needed(
    world: World, run: Record, tmp_path: Path, name: str
) -> None:
    manifest = world.bundle(run, tmp_path / name)
    assert manifest.project == "models/a"
    shutil.rmtree(world.lab.top)
    shutil.rmtree(world.here.root)
    found = shown(str(tmp_path / name))
    assert found is not None and found.document == run.document
    new = launch(world, tmp_path / name, tmp_path / "bare", "seed=3")
    assert (new.folder / "log.txt").read_text() == "not committed\n"
    assert new.document["relaunches"] == run.document["id"]
    assert new.document["layers"]["code"] == run.document["layers"]["code"]
    assert new.document["fingerprint"] == run.document["fingerprint"]
    assert new.folder.is_relative_to(tmp_path / "bare")
    assert world.there.files() == set(FILES)
    # Once more: nothing is put into the store again.
    world.lab.said.clear()
    launch(world, tmp_path / name, tmp_path / "again")
    assert not any("into the store" in line for line in world.lab.said)


def test_submodules_come_along(world: World, tmp_path: Path) -> None:
    with_submodule(world.lab, tmp_path)
    own = world.lab.root / "vendored" / "lib"
    (own / "part.txt").write_text("not committed")
    run = world.lab.run()
    assert world.lab.log(run) == "not committed deep\n"
    manifest = world.bundle(run, tmp_path / "run.tar")
    assert len(manifest.code) == 3
    for folder in (world.lab.top, tmp_path / "inner", tmp_path / "outer"):
        shutil.rmtree(folder)
    new = launch(world, tmp_path / "run.tar", tmp_path / "bare")
    assert (new.folder / "log.txt").read_text() == "not committed deep\n"
    assert new.document["experiment"] == run.document["experiment"]


def test_the_same_bytes_each_time(world: World, run: Record, tmp_path: Path) -> None:
    world.bundle(run, tmp_path / "a.tar")
    world.lab.git("gc", "--quiet")
    os.utime(run.folder / "log.txt", (1, 1))
    world.bundle(run, tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert {(each.mtime, each.uid, each.uname) for each in tar} == {(0, 0, "")}
        names = tar.getnames()
    assert names[0] == "manifest.json" and names[1:] == sorted(names[1:])


def test_only_the_commit_that_ran_is_in_it_unless_more_is_asked_for(
    world: World, tmp_path: Path
) -> None:
    world.lab.write("secret", "of before")
    first = world.lab.commit()
    (world.lab.root / "secret").unlink()
    world.lab.commit()
    run = world.lab.run()
    for name, history in (("one.tar", False), ("all.tar", True)):
        world.bundle(run, tmp_path / name, history=history)
        with bundled(tmp_path / name, world.lab.said.append, Silent()) as origin:
            assert origin.home is not None
            done = subprocess.run(
                ["git", "cat-file", "-e", first], cwd=origin.home.repository, check=False
            )
            assert (done.returncode == 0) == history
        launch(world, tmp_path / name, tmp_path / f"{name}.bare")
    with tarfile.open(tmp_path / "all.tar") as tar:
        member = tar.extractfile("code/project.bundle")
        assert member is not None
        (tmp_path / "project.bundle").write_bytes(member.read())
    words = ["git", "clone", "--quiet", "project.bundle", "cloned"]
    subprocess.run(words, cwd=tmp_path, check=True)
    assert (tmp_path / "cloned" / "models" / "a" / "train.py").exists()


def test_verify_of_a_bundle(world: World, run: Record, tmp_path: Path) -> None:
    world.bundle(run, tmp_path / "run.tar")
    shutil.rmtree(world.lab.top)
    said = world.lab.said.append
    (whole,) = check_bundle(tmp_path / "run.tar", said, quiet=True)
    assert (whole.state, whole.part) == (State.SAME, "run.tar")
    assert whole.compared.startswith("10 files, ")
    bare = tmp_path / "bare"
    bare.mkdir()
    verdicts = check_bundled_run(
        bare, tmp_path / "run.tar", world.there.nix, runs=1, tolerance=None, say=said
    )
    assert [each.state for each in verdicts] == [State.SAME, State.SAME]
    with open(tmp_path / "run.tar", "r+b") as stream:
        stream.seek(-11_000, os.SEEK_END)
        stream.write(b"\1")
    (broken,) = check_bundle(tmp_path / "run.tar", said, quiet=True)
    assert broken.state == State.DIFFERS
    assert "is damaged" in broken.reason


def test_what_is_not_bundled(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = world.lab.run()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(NixreproError, match="is there already"):
        world.bundle(run, tmp_path / "full")
    with pytest.raises(NixreproError, match="is a plain tar or a folder"):
        world.bundle(run, tmp_path / "run.tar.gz")
    (tmp_path / "folder.tar").mkdir()
    with pytest.raises(NixreproError, match="is there already"):
        world.bundle(run, tmp_path / "folder.tar")
    running = Record(run.folder, {**run.document, "status": "running"})
    with pytest.raises(RunError, match="has not ended yet"):
        world.bundle(running, tmp_path / "a.tar")
    edited = Record(run.folder, {**run.document, "experiment": "0" * 64})
    with pytest.raises(RunError, match="not as it was recorded, and is not bundled"):
        world.bundle(edited, tmp_path / "a.tar")
    next(world.here.root.glob("nix/store/*-six*")).write_bytes(b"sex")
    with pytest.raises(NixreproError, match="is not what it should be"):
        world.bundle(run, tmp_path / "a.tar")
    assert sorted(path.name for path in tmp_path.iterdir() if "a.tar" in path.name) == []


@pytest.mark.parametrize("name", PLACES)
def test_a_crash_leaves_no_half_bundle(tmp_path: Path, name: str) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from nixrepro.bundle.sources import of_file\n"
        "from nixrepro.bundle.writing import write\n"
        "class Killer:\n"
        "    def start(self, total): pass\n"
        "    def advance(self, count): os.kill(os.getpid(), 9)\n"
        "    def done(self): pass\n"
        "file = Path(sys.argv[2]); file.write_bytes(b'x' * 3000000)\n"
        "write(Path(sys.argv[1]), b'{}', {'a': of_file(file)}, Killer())\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / name), str(tmp_path / "source")]
    done = subprocess.run(words, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / name).exists()
    assert len(list(tmp_path.glob(".*.part"))) == 1
    sources = {"a": of_file(tmp_path / "source")}
    writing.write(tmp_path / name, b"{}", sources, Silent())
    assert (tmp_path / name).exists()
    assert list(tmp_path.glob(".*.part")) == []


def test_what_another_one_still_writes_stays(tmp_path: Path) -> None:
    with writing._part(tmp_path / "a.tar") as first, writing._part(tmp_path / "a.tar") as second:
        assert first.exists() and second.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_after_it_was_checked(
    world: World, run: Record, tmp_path: Path
) -> None:
    world.bundle(run, tmp_path / "run")
    with bundled(tmp_path / "run", world.lab.said.append, Silent()) as origin:
        assert origin.bundle is not None
        name = "artefacts/six-1.16-py2.py3-none-any.whl"
        (tmp_path / "run" / name).write_bytes(b"sex")
        with pytest.raises(NixreproError, match="is damaged"):
            fill(origin.bundle, run, world.there.nix, closure=False, say=world.lab.said.append)
    assert world.there.files() <= {"numpy-2.1-py3-none-any.whl"}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("taken", [True, False])
def test_what_is_built_is_taken_only_where_that_is_asked_for(
    world: World,
    run: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    taken: bool,
) -> None:
    path = str(run.document["environment"]["path"])
    monkeypatch.setattr(stage, "_closure", lambda *_: [path])
    (tmp_path / "info").write_text("StoreDir: /nix/store\n")
    info = {"cache/nix-cache-info": of_file(tmp_path / "info")}
    monkeypatch.setattr(stage, "_cache", lambda *_: info)
    world.bundle(run, tmp_path / name, closure=True)
    seen: list[str] = []

    def copy(_: Store, paths: list[str], *, source: str) -> Completed:
        seen.append((Path(source.removeprefix("file://")) / "nix-cache-info").read_text())
        assert paths == [path]
        if taken:
            world.there.place(path).parent.mkdir(parents=True)
            world.there.place(path).touch()
            return Completed(0, b"", "")
        return Completed(1, b"", "error: cannot add path: it lacks a valid signature\n")

    monkeypatch.setattr(Store, "copy", copy)
    said: list[str] = []
    with bundled(tmp_path / name, said.append, Silent()) as origin:
        assert origin.bundle is not None
        fill(origin.bundle, run, world.there.nix, closure=True, say=said.append)
        assert seen == ["StoreDir: /nix/store\n"]
        assert world.there.files() == ({"environment"} if taken else set(FILES))
        assert any("lacks a valid signature" in line for line in said) != taken
        shutil.rmtree(world.there.root)
        fill(origin.bundle, run, world.there.nix, closure=False, say=said.append)
    assert len(seen) == 1
    assert any("--closure takes it, and trusts it" in line for line in said)
    assert world.there.files() == set(FILES)


def test_something_beside_the_environment_was_collected(
    world: World, run: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.bundle(run, tmp_path / "run.tar")
    there = world.there.place(str(run.document["environment"]["path"]))
    there.parent.mkdir(parents=True)
    there.touch()
    tried: list[set[str]] = []

    def environment(*_: object) -> Environment:
        tried.append(world.there.files())
        if len(tried) == 1:
            raise BuildError("an artefact is not there")
        return world.lab.environment

    monkeypatch.setattr(realised, "environment", environment)
    launch(world, tmp_path / "run.tar", tmp_path / "bare")
    assert tried == [{"environment"}, {"environment", *FILES}]


def with_data(world: World, *made: Artefact) -> Record:
    """A run that has some data in its lock."""
    path = world.lab.root / locks.FILE
    lock = locks.load(path)
    every = tuple(sorted((*lock.artefacts, *made), key=locks.order))
    locks.save(path, replace(lock, artefacts=every))
    world.lab.commit()
    return world.lab.run("true")


def test_a_folder_of_data_stays_where_it_is(world: World, tmp_path: Path) -> None:
    digest = f"merkle:{'0' * 64}"
    images = Artefact(
        "data", "images", "", "folder", "", "images", 9, "0" * 64, "", "", path="p", digest=digest
    )
    run = with_data(world, images)
    made = world.bundle(run, tmp_path / "run.tar")
    assert not any("images" in name for name in made.members)
    assert any("data images is not taken along" in line for line in world.lab.said)
    with bundled(tmp_path / "run.tar", world.lab.said.append, Silent()) as origin:
        assert origin.bundle is not None
        fill(origin.bundle, run, world.there.nix, closure=False, say=world.lab.said.append)
    assert world.there.files() == set(FILES)


def test_data_of_another_files_name(world: World, tmp_path: Path) -> None:
    """It lies elsewhere in the bundle, though nothing of that other one is wanted."""
    (name,) = (each for each in FILES if each.startswith("six"))
    content = next(
        data
        for data in (b"%d" % number for number in range(100))
        if hashlib.sha256(data).hexdigest() > hashlib.sha256(FILES[name]).hexdigest()
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_bytes(content)
    world.here.add([tmp_path / "data" / name])
    sha256 = hashlib.sha256(content).hexdigest()
    data = Artefact("data", "own", "", "file", "", name, len(content), sha256, "", "", path="own")
    run = with_data(world, data)
    world.bundle(run, tmp_path / "run.tar")
    there = world.there.place(str(run.document["environment"]["path"]))
    there.parent.mkdir(parents=True)
    there.touch()
    with bundled(tmp_path / "run.tar", world.lab.said.append, Silent()) as origin:
        assert origin.bundle is not None
        fill(origin.bundle, run, world.there.nix, closure=False, say=world.lab.said.append)
    assert world.there.files() == {"environment", name}
    assert world.there.place(world.there.nix.store_path(name, sha256)).read_bytes() == content


def forged(path: Path, target: Path, change: Any) -> Path:
    """A bundle of what another one has, with one member changed and the manifest made to fit."""
    bundle = open_bundle(path)
    members = {name: b"".join(bundle.blocks(name)) for name in bundle.manifest.members}
    document = json.loads(written(bundle.manifest))
    change(document, members)
    folder = target.with_suffix("")
    sources = {}
    for number, (name, data) in enumerate(members.items()):
        file = folder / str(number)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
        sources[name] = of_file(file)
        document["members"][name] = vars(sources[name].member)
    kept = {key: value for key, value in document["members"].items() if key in members}
    data = json.dumps({**document, "members": kept}).encode()
    writing.write(target, data, sources, Silent())
    return target


FORGERIES: dict[str, tuple[Any, str]] = {
    "another lock": (
        lambda d, m: m.update({"nixrepro.lock": m["nixrepro.lock"] + b"\n"}),
        "nixrepro.lock is not the one that its record states",
    ),
    "an artefact less": (
        lambda d, m: m.pop("artefacts/six-1.16-py2.py3-none-any.whl"),
        "lacks six-1.16",
    ),
    "another artefact": (
        lambda d, m: m.update({"artefacts/six-1.16-py2.py3-none-any.whl": b"evil"}),
        "is not the one of its lock",
    ),
    "another command": (
        lambda d, m: m.update(
            {"record/record.json": m["record/record.json"].replace(b'"train.py"', b'"other.py"')}
        ),
        "not as it was recorded",
    ),
    "another run": (lambda d, m: d.update(run="0" * 64), "the record of another run"),
    "another patch": (
        lambda d, m: m.update({"record/code.patch": b"evil"}),
        "not as it was recorded",
    ),
    "a file more": (lambda d, m: m.update({"record/x.py": b"evil"}), "says nothing of record/x.py"),
    "no code": (lambda d, m: m.pop("code/project.bundle"), "has no code/project.bundle"),
    "half the code": (
        lambda d, m: m.update({"code/project.bundle": m["code/project.bundle"][:-40]}),
        "has not all of commit",
    ),
    "other code": (
        lambda d, m: d["code"].update({"code/project.bundle": "0" * 40}),
        "has not all of commit",
    ),
    "no record": (lambda d, m: m.pop("record/record.json"), "has no record"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_parts_that_do_not_fit(world: World, run: Record, tmp_path: Path, kind: str) -> None:
    change, message = FORGERIES[kind]
    world.bundle(run, tmp_path / "run.tar")
    path = forged(tmp_path / "run.tar", tmp_path / "forged.tar", change)
    with pytest.raises(NixreproError, match=message):
        launch(world, path, tmp_path / "bare")
    assert world.there.files() == set()
    assert not list((tmp_path / "bare").rglob("record.json"))

"""What DVC's own files say, as DVC 3.67 wrote them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from nixrepro.runtime.datasets import dvc, md5
from nixrepro.runtime.datasets.checking import check
from nixrepro.runtime.datasets.states import look
from nixrepro.runtime.files import present

RECORDED = Path(__file__).parents[2] / "recorded" / "dvc"
TRAIN = "6429f46a5d7ba4feb26124220a7b487a.dir"
TABLE = "b202f333fba4fd38d4b8e5e693077aab"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the files were made of."""
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    train = root / "data" / "train"
    (train / "sub").mkdir(parents=True)
    (train / "emptydir").mkdir()
    for number in (1, 2, 3):
        (train / f"f{number}").write_text(f"{number}\n")
    (train / "sub" / "ä ü.txt").write_text("é\n")
    (train / "zero").touch()
    (root / "data" / "table one.csv").write_bytes(b"a,b\r\n1,2\r\n")
    shutil.copy(RECORDED / "train.dvc", root / "data")
    shutil.copy(RECORDED / "table.csv.dvc", root / "data" / "table one.csv.dvc")
    shutil.copy(RECORDED / "dvcignore", root / ".dvcignore")
    return root


def entries(name: str) -> list[tuple[str, str, str, int, int, bool]]:
    text = (RECORDED / name).read_text()
    return [(e.section, e.path, e.md5, e.size, e.files, e.plain) for e in dvc.entries(text, name)]


def test_a_folder_and_a_file() -> None:
    assert entries("train.dvc") == [("outs", "train", TRAIN, 9, 5, True)]
    assert entries("table.csv.dvc") == [("outs", "table one.csv", TABLE, 10, -1, True)]


def test_where_an_import_came_from_is_left_out() -> None:
    imported = "764efa883dda1e11db47671c4a3bbd9e"
    assert entries("imported.txt.dvc") == [("outs", "imported.txt", imported, 3, -1, True)]


def test_a_lock_with_commands_over_several_lines() -> None:
    ready = "64f0ec08077c835d14c145c2c4714b05.dir"
    assert entries("dvc.lock") == [
        ("deps", "data/train", TRAIN, 9, 5, True),
        ("outs", "ready", ready, 8, 3, True),
        ("outs", "ready one.txt", "d41d8cd98f00b204e9800998ecf8427e", 0, -1, True),
        ("deps", "ready", ready, 8, 3, True),
        ("outs", "model.bin", "b03f3464b15bb1eb7c55220f0cdf24a6", 5, -1, True),
    ]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("outs:\n- md5: {0}\n  path: 'it''s'\n", "it's"),
        ('outs:\n- md5: {0}\n  path: "a\\tb"\n', "a\tb"),
        ("outs:\n- md5: {0}\n  path: a long\n    name\n", "a long name"),
        ("outs:\n  - md5: {0}\n    path: x\n", "x"),
        ("wdir: ..\nouts:\n- md5: {0}\n  path: x\n", "../x"),
        ("# by hand\n\nouts:\n- path: x\n  md5: {0}\nmeta:\n  a: b\n", "x"),
        ("outs:\n- path: x\n  md5: {0}\n  files:\n  - md5: 0\n    relpath: y\n", "x"),
    ],
)
def test_other_ways_to_write_it(text: str, path: str) -> None:
    (found,) = dvc.entries(text.format("0" * 32), "x.dvc")
    assert (found.path, found.md5, found.plain) == (path, "0" * 32, False)


@pytest.mark.parametrize(
    "text", ["", "outs:\n- etag: x\n  path: y\n", "outs: {md5: 1}", "\0", "- x"]
)
def test_what_says_no_md5_says_nothing(text: str) -> None:
    assert dvc.entries(text, "x.dvc") == []


def test_the_digests_are_dvcs_own(project: Path) -> None:
    for place, wanted in (("train", TRAIN), ("table one.csv", TABLE)):
        found = md5.digest(os.fsencode(project / "data" / place), str(project))
        assert found.digest == f"md5:{wanted}"
    listed = json.loads((RECORDED / "train.dir.json").read_text())
    state = look(str(project), "t", {"reference": True, "dvc": "data/train.dvc"})
    assert state.found is not None
    assert (state.same, state.found.count) == (True, len(listed))


def test_what_dvc_tracks_is_recorded_and_pins_nothing(project: Path) -> None:
    shutil.copy(RECORDED / "dvc.lock", project)
    (project / "model.bin").write_bytes(b"longer than that")
    found = {entry["name"]: entry for entry in dvc.known(str(project))}
    assert sorted(found) == [
        "data/table one.csv",
        "data/train",
        "model.bin",
        "ready",
        "ready one.txt",
    ]
    assert found["data/train"] == {
        "name": "data/train", "kind": "dvc", "url": "", "path": "data/train", "pinned": False,
        "dvc": "data/train.dvc", "digest": f"md5:{TRAIN}", "copy": "there", "size": 9, "files": 5,
        "sha256": {"unknown": "DVC digests by MD5"},
    }  # fmt: skip
    assert {name: entry["copy"] for name, entry in found.items()} == {
        "data/table one.csv": "there",
        "data/train": "there",
        "model.bin": "changed",
        "ready": "absent",
        "ready one.txt": "absent",
    }


def test_a_file_that_is_no_text_is_recorded_as_unknown(project: Path) -> None:
    (project / "data" / "train.dvc").write_bytes(b"\xff")
    (entry,) = (e for e in dvc.known(str(project)) if e["name"] == "data/train.dvc")
    assert "can't be read" in entry["digest"]["unknown"]


def looked(
    project: Path, file: str = "data/train.dvc"
) -> tuple[list[dict[str, object]], list[str]]:
    entry = {"reference": True, "dvc": file, "path": "", "digest": "", "optional": False}
    found = check(str(project), {"data": {"t": entry}}, lambda _: None, lambda: None)
    return found.entries, found.wrong


def test_a_pin_by_dvc_is_checked_by_the_bytes(project: Path) -> None:
    first, *others = looked(project)[0]
    assert first == {
        "name": "t", "kind": "dvc", "url": "", "path": "data/train", "pinned": True,
        "dvc": "data/train.dvc", "digest": f"md5:{TRAIN}", "pin": f"md5:{TRAIN}", "files": 5,
        "size": 9, "sha256": {"unknown": "DVC digests by MD5"},
    }  # fmt: skip
    assert [entry["name"] for entry in others] == ["data/table one.csv"]
    assert looked(project)[1] == []
    (project / "data" / "train" / "f1").write_text("4\n")
    assert looked(project)[1] == ["data 't' is not what is pinned: 1 file changed: f1"]


def test_data_that_dvc_did_not_bring_is_had_by_dvc(project: Path) -> None:
    shutil.rmtree(project / "data" / "train")
    (sentence,) = looked(project)[1]
    assert sentence.endswith(f" is not at {project}/data/train: run `dvc pull data/train.dvc`")
    entry = {"reference": True, "dvc": "data/train.dvc", "path": "", "digest": ""}
    table = check(str(project), {"data": {"t": entry}}, lambda _: None, lambda: None).table
    with pytest.raises(LookupError, match=r"run `dvc pull data/train\.dvc`"):
        present("t", table["t"])


def test_what_a_dvcignore_leaves_out_is_not_called_changed(project: Path) -> None:
    (project / "data" / "train" / "new").touch()
    (project / ".dvcignore").write_text("*.tmp\n")
    (sentence,) = looked(project)[1]
    assert "can't be checked" in sentence
    assert "a .dvcignore leaves files out" in sentence


def test_an_md5_of_dvc_2_is_not_called_changed(project: Path) -> None:
    file = project / "data" / "table one.csv.dvc"
    file.write_text(file.read_text().replace("  hash: md5\n", "").replace(TABLE, "1" * 32))
    (sentence,) = looked(project, "data/table one.csv.dvc")[1]
    assert "is not that of all bytes: DVC 2 wrote it" in sentence


@pytest.mark.parametrize(
    ("text", "reason"),
    [(None, "can't be read: No such file"), ("outs: []\n", "names 0 outs with an MD5, not one")],
)
def test_a_pin_by_a_file_that_pins_nothing(project: Path, text: str | None, reason: str) -> None:
    file = project / "data" / "train.dvc"
    file.unlink()
    if text is not None:
        file.write_text(text)
    assert looked(project)[1] == [f"data 't' can't be checked: data/train.dvc {reason}"] or (
        reason in looked(project)[1][0]
    )

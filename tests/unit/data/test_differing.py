"""`diff` names the files in which data by reference differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nixrepro.data.differing import named
from nixrepro.diff.compare import packages
from nixrepro.diff.known import _layers, _package
from nixrepro.diff.model import Part
from nixrepro.record import Record
from nixrepro.runtime.datasets import listing
from nixrepro.runtime.datasets.digesting import digest


def found(project: Path, **files: str) -> str:
    folder = project / "data"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)
    made = digest(bytes(folder))
    listing.keep(str(project), made)
    return made.digest


def entry(value: Any, name: str = "train", **more: Any) -> dict[str, Any]:
    sha256 = value.partition(":")[2] if isinstance(value, str) else value
    return {"name": name, "digest": value, "sha256": sha256, "pinned": True, **more}


def compared(project: Path, a: dict[str, Any], b: dict[str, Any]) -> Part:
    records = [Record(project, {"layers": {"data": [each]}}) for each in (a, b)]
    changes = packages([_package(a, {})], [_package(b, {})])
    return named(Part("data", changes), project, *records)


def test_files_are_named_with_what_became_of_them(tmp_path: Path) -> None:
    old, new = found(tmp_path, a="1", b="1", c="1"), found(tmp_path, b="2", c="1", d="1")
    (change,) = compared(tmp_path, entry(old), entry(new)).changes
    assert (change.subject, change.detail) == ("train", ("~b", "+d", "-a"))
    assert (change.old, change.new) == (old[7:19], new[7:19])


def test_same_data_has_no_change(tmp_path: Path) -> None:
    one = found(tmp_path, a="1")
    assert compared(tmp_path, entry(one), entry(one)).changes == ()


def test_without_a_list_it_is_said_that_files_can_not_be_named(tmp_path: Path) -> None:
    old, new = found(tmp_path, a="1"), found(tmp_path, a="2")
    Path(listing.path_of(str(tmp_path), old)).unlink()
    part = compared(tmp_path, entry(old), entry(new))
    assert part.changes[0].detail == ()
    assert part.unknown == (("train", "the list of its files is not kept here"),)


@pytest.mark.parametrize("side", [0, 1])
def test_what_was_not_known_is_not_compared(tmp_path: Path, side: int) -> None:
    pair = [entry(found(tmp_path, a="1"))]
    pair.insert(side, entry({"unknown": "it was not there"}))
    part = compared(tmp_path, *pair)
    assert part.changes == ()
    assert part.unknown == (("train", "it was not there"),)


def test_what_stages_read_and_wrote_is_no_difference(tmp_path: Path) -> None:
    stages = entry("md5:" + "a" * 32, kind="dvc", pinned=False, dvc="sub/dvc.lock")
    tracked = entry("md5:" + "b" * 32, "data/train", kind="dvc", pinned=False, dvc="train.dvc")
    layers = {"data": [stages, tracked]}
    assert [each.name for each in _layers(layers, None)["data"]] == ["data/train"]


def test_what_dvc_pins_differs_by_its_md5(tmp_path: Path) -> None:
    nothing = {"unknown": "DVC digests by MD5"}
    pair = [entry(f"md5:{c * 32}", kind="dvc") | {"sha256": nothing} for c in "ab"]
    (change,) = compared(tmp_path, *pair).changes
    assert (change.old, change.new, change.detail) == ("a" * 12, "b" * 12, ())

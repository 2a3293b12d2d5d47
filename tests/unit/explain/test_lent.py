"""Data by reference of a run is found in its tree, or where it lies, and only with its digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from nixrepro.explain.lent import places
from nixrepro.runtime.datasets.digesting import digest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def entry(digest: object, **more: object) -> dict[str, object]:
    return {"name": "train", "path": "rows", "digest": digest, "pin": "x", "kind": "file", **more}


def sha256(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_what_is_in_the_tree_is_kept(root: Path, tree: Path) -> None:
    (tree / "rows").write_text("then")
    (root / "rows").write_text("now")
    found = places(root, tree, {"data": [entry(sha256("then"))]})
    (tree / "rows").unlink()
    kept = Path(found["train"])
    assert kept.read_text() == "then" and kept.is_relative_to(root / ".nixrepro")
    kept.write_text("damaged")
    (tree / "rows").write_text("then")
    assert places(root, tree, {"data": [entry(sha256("then"))]}) == found
    assert kept.read_text() == "then"


def test_a_folder(root: Path, tree: Path) -> None:
    (tree / "rows" / "inner").mkdir(parents=True)
    (tree / "rows" / "inner" / "1").write_text("one")
    wanted = digest(bytes(tree / "rows")).digest
    found = places(root, tree, {"data": [entry(wanted, kind="folder")]})
    assert (Path(found["train"]) / "inner" / "1").read_text() == "one"


def test_what_still_lies_there(root: Path, tree: Path) -> None:
    (root / "rows").write_text("then")
    layers = {"data": [entry(sha256("then"))]}
    assert places(root, tree, layers) == {"train": str(root / "rows")}
    (root / "rows").write_text("now")
    assert places(root, tree, layers) == {}


@pytest.mark.parametrize(
    "data",
    [
        {"unknown": "x"},
        [entry({"unknown": "x"})],
        [entry(sha256("now"), kind="dvc")],
        [{"name": "train", "path": "rows", "digest": sha256("now")}],
    ],
)
def test_what_is_not_by_reference_or_not_known(root: Path, tree: Path, data: object) -> None:
    (root / "rows").write_text("now")
    assert places(root, tree, {"data": data}) == {}

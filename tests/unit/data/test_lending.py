"""Data by reference for a run in another tree: what was recorded, or nothing runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nixrepro.data.lending import lend
from nixrepro.errors import RunError
from nixrepro.memory import Environment
from nixrepro.record import Record
from nixrepro.runtime.datasets import listing
from nixrepro.runtime.datasets.digesting import digest


class Shop:
    """A person's project, another tree of it, and a record."""

    def __init__(self, folder: Path) -> None:
        self.root, self.tree, self.scratch = (folder / name for name in ("root", "tree", "scratch"))
        for each in (self.root, self.tree, self.scratch):
            each.mkdir()
        self.data = self.lay(self.root, "one")
        found = digest(bytes(self.data))
        listing.keep(str(self.root), found)
        self.then: dict[str, Any] = {"name": "train", "digest": found.digest, "pinned": True}
        entry = {"reference": True, "path": "data", "digest": "merkle:" + "0" * 64, "dvc": ""}
        self.stated: dict[str, Any] = {"train": entry, "mnist": {"url": "u", "path": "/s/m"}}

    def lay(self, place: Path, text: str) -> Path:
        folder = place / "data"
        folder.mkdir()
        (folder / "a").write_text(text)
        (folder / "b").write_text("b")
        return folder

    def lend(self) -> dict[str, Any]:
        settings = self.scratch / "settings.json"
        settings.write_text(json.dumps({"seed": 1, "data": self.stated}))
        made = Environment("/e", "/s", "/f", str(settings), {})
        record = Record(self.scratch, {"layers": {"data": [self.then]}})
        lent = lend(self.root, self.tree, made, record, self.scratch, lambda _: None)
        found: dict[str, Any] = json.loads(Path(lent.settings).read_text())
        assert found["seed"] == 1
        return dict(found["data"])


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_it_is_taken_from_where_it_lies(shop: Shop) -> None:
    found = shop.lend()
    assert found["train"]["place"] == str(shop.data)
    assert found["mnist"] == shop.stated["mnist"]
    # What the project knows of its files is known in the tree too.
    assert (shop.tree / ".nixrepro" / "data").resolve() == shop.root / ".nixrepro" / "data"


def test_what_is_committed_is_taken_from_the_tree(shop: Shop) -> None:
    there = shop.lay(shop.tree, "one")
    (shop.data / "a").write_text("two")
    assert shop.lend()["train"]["place"] == str(there)


def test_other_data_is_refused_with_the_names(shop: Shop) -> None:
    (shop.data / "a").write_text("two")
    shop.lay(shop.tree, "three")
    with pytest.raises(RunError) as caught:
        shop.lend()
    assert caught.value.message == "data 'train' is not what the run had: 1 file changed: a"


def test_data_that_is_gone_is_refused(shop: Shop) -> None:
    shop.data.rename(shop.root / "elsewhere")
    with pytest.raises(RunError, match=r"is not at .*root/data"):
        shop.lend()


def test_data_elsewhere_is_found_by_the_persons_link(shop: Shop) -> None:
    shop.data.rename(shop.scratch / "big")
    places = shop.root / ".nixrepro" / "data" / "places"
    places.mkdir(parents=True)
    (places / "train").symlink_to(shop.scratch / "big")
    assert shop.lend()["train"]["place"] == str(shop.scratch / "big")


def test_data_that_the_run_had_not_either_is_no_obstacle(shop: Shop) -> None:
    shop.then["digest"] = {"unknown": "it was not there"}
    shop.data.rename(shop.root / "elsewhere")
    assert shop.lend()["train"]["place"] == str(shop.data)


def test_a_project_without_such_data_keeps_its_settings(shop: Shop) -> None:
    del shop.stated["train"]
    assert shop.lend() == shop.stated
    assert not (shop.tree / ".nixrepro").exists()

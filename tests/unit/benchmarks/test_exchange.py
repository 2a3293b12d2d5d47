"""The benchmark's second lock: a wheel that is another file, valid in itself."""

from __future__ import annotations

import base64
import csv
import hashlib
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from nixrepro import lock as locks

FOLDER = Path(__file__).parents[3] / "benchmarks"
NAME = "small-1.0-py3-none-any.whl"


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import exchange as found

    monkeypatch.delitem(sys.modules, "exchange")
    return found


def project(folder: Path) -> tuple[Path, Path]:
    """A project whose lock pins two wheels, and the folder where they lie."""
    wheels, root = folder / "wheels", folder / "project"
    wheels.mkdir()
    root.mkdir()
    with zipfile.ZipFile(wheels / NAME, "w") as wheel:
        wheel.writestr("small.py", "x = 1\n")
        wheel.writestr("small-1.0.dist-info/RECORD", "small.py,,\nsmall-1.0.dist-info/RECORD,,\n")
    digest = hashlib.sha256((wheels / NAME).read_bytes()).hexdigest()
    small = locks.Artefact(
        "wheels", "small", "1.0", "wheel", "", NAME, 10, digest, archive="", location=""
    )
    other = locks.Artefact(
        *("wheels", "other", "1.0", "wheel", "", "other-1.0-py3-none-any.whl", 10, "0" * 64),
        archive="",
        location="",
    )
    lock = locks.Lock("3.11.2", "2.36", {"record-urls": False}, (other, small))
    locks.save(root / locks.FILE, lock)
    return root, wheels


def test_one_artefact_changes_and_its_file_is_valid(exchange: ModuleType, tmp_path: Path) -> None:
    root, wheels = project(tmp_path)
    before = locks.load(root / locks.FILE)
    target = tmp_path / "new"
    target.mkdir()
    exchange.exchange(root, wheels, NAME, target)
    after = locks.load(root / locks.FILE)
    assert [move.name for move in locks.changes(before, after)] == ["small"]
    pinned = next(item for item in after.artefacts if item.name == "small")
    data = (target / NAME).read_bytes()
    assert (pinned.sha256, pinned.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_its_record_still_verifies(exchange: ModuleType, tmp_path: Path) -> None:
    root, wheels = project(tmp_path)
    target = tmp_path / "new"
    target.mkdir()
    exchange.exchange(root, wheels, NAME, target)
    with zipfile.ZipFile(target / NAME) as wheel:
        record = wheel.read("small-1.0.dist-info/RECORD").decode()
        rows = {row[0]: row[1] for row in csv.reader(record.splitlines())}
        assert set(rows) == set(wheel.namelist())
        for name, stated in rows.items():
            if stated:
                digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest())
                assert stated == "sha256=" + digest.rstrip(b"=").decode()
        assert sum(bool(stated) for stated in rows.values()) == 1

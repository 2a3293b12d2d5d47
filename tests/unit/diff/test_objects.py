"""Shared objects of two folders: by soname, by path, by bytes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from nixrepro.diff.objects import changed, soname


def libc() -> Path:
    """The C library that this Python runs on."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        if re.search(r"/libc[-.]", line):
            return Path(line.split()[-1])
    raise AssertionError("no C library is mapped")


def test_soname_of_a_real_library() -> None:
    assert soname(libc()) == "libc.so.6"


def test_what_is_no_library_has_none(tmp_path: Path) -> None:
    for data in (b"", b"text", libc().read_bytes()[:100], b"\x7fELF\x02\x01" + b"\xff" * 300):
        (tmp_path / "x.so").write_bytes(data)
        assert soname(tmp_path / "x.so") == ""


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("old", "new"):
        (tmp_path / name / "lib").mkdir(parents=True)
        shutil.copy(libc(), tmp_path / name / "lib" / "libc.so.6")
        (tmp_path / name / "lib" / "module.so").write_bytes(b"same size")
        (tmp_path / name / "lib" / "libc.so").symlink_to(f"{name}-elsewhere")
        (tmp_path / name / "lib" / "text.txt").write_text(name)
    return tmp_path / "old", tmp_path / "new"


def test_the_same_objects(folders: tuple[Path, Path]) -> None:
    assert changed(*map(str, folders)) == ()


def test_changed_added_and_removed(folders: tuple[Path, Path]) -> None:
    old, new = folders
    with (new / "lib" / "libc.so.6").open("ab") as stream:
        stream.write(b"more")
    # Known by its soname, also under a file name of another version.
    (new / "lib" / "libc.so.6").rename(new / "lib" / "libc-2.99.so.6")
    (new / "lib" / "module.so").write_bytes(b"Same size")
    (old / "lib" / "gone.so.1").write_bytes(b"")
    (new / "lib" / "come.so.1").write_bytes(b"")
    assert changed(str(old), str(new)) == (
        "+lib/come.so.1",
        "-lib/gone.so.1",
        "lib/module.so",
        "libc.so.6",
    )

"""Lists of files by digest: what is kept comes back, and names what differs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from nixrepro.runtime.datasets import listing
from nixrepro.runtime.datasets.digesting import digest
from nixrepro.runtime.datasets.naming import shown, size, some

from .test_digesting import NAMES, TREES, lay, st


@given(tree=st.dictionaries(NAMES, TREES, max_size=5))
def test_a_list_comes_back_whatever_its_names_are(
    tmp_path_factory: pytest.TempPathFactory, tree: Any
) -> None:
    project = tmp_path_factory.mktemp("project")
    top = bytes(project) + b"/top"
    lay(top, tree)
    try:
        found = digest(top)
        listing.keep(str(project), found)
        listed = listing.load(str(project), found.digest)
        assert listed == listing.of(found)
        assert listed is not None
        files = [name for name in listed if not name.endswith(b"/")]
        assert len(files) == found.count
        assert all(os.path.isfile(os.path.join(top, name)) for name in files)
    finally:
        shutil.rmtree(project)


def test_what_a_list_looks_like(tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "sub").mkdir(parents=True)
    (top / "none").mkdir()
    (top / "sub" / "a\\b\nc").write_bytes(b"x")
    found = digest(bytes(top))
    listing.keep(str(tmp_path), found)
    path = tmp_path / ".nixrepro" / "data" / f"{found.digest[7:]}.list"
    assert path.read_bytes() == (
        b"nixrepro files 1 " + found.digest.encode() + b"\n- 0 none/\n"
        b"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 1 sub/a\\\\b\\nc\n"
    )


@pytest.mark.parametrize("harm", ["cut", "another", "none"])
def test_what_is_no_whole_list_is_none(tmp_path: Path, harm: str) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "a").touch()
    found = digest(bytes(top))
    listing.keep(str(tmp_path), found)
    path = Path(listing.path_of(str(tmp_path), found.digest))
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    elif harm == "another":
        path.write_bytes(path.read_bytes().replace(b"files 1", b"files 2"))
    else:
        path.unlink()
    assert listing.load(str(tmp_path), found.digest) is None


def test_a_strangers_digest_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / ".nixrepro" / "data").mkdir(parents=True)
    (tmp_path / "x.list").write_bytes(b"nixrepro files 1 merkle:../../x\n")
    assert listing.load(str(tmp_path), "merkle:../../x") is None


def test_changes_are_counted_and_the_first_named() -> None:
    old = {b"%02d" % n: b"a" for n in range(10)} | {b"gone": b"x", b"odd\x1b\xff": b"y"}
    new = {b"%02d" % n: b"b" if n < 8 else b"a" for n in range(10)} | {b"new": b"x"}
    changes = listing.Changes(old, new)
    assert changes.said() == (
        "8 files changed: 00, 01, 02, 03, 04, and 3 more; 1 file appeared: new; "
        "2 files went: gone, odd\\x1b\\xff"
    )
    assert changes.whole == 11


def test_names_are_shown_on_one_line() -> None:
    assert shown("é\t\n\x1b[31m".encode() + b"\xfe") == "é\\t\\n\\x1b[31m\\xfe"
    assert some(["a", "b", "c"], few=1) == "a, and 2 more"
    assert [size(n) for n in (999, 1000, 2_500_000, 7.2e12)] == [
        "999 bytes", "1.0 kB", "2.5 MB", "7200.0 GB",
    ]  # fmt: skip

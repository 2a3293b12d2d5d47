"""Canonical JSON has one form for each value; a file is the old one or the new one."""

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro import canonical

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=300)), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_json_is_read_back_and_has_one_form(value: object) -> None:
    data = canonical.json_bytes(value)
    assert json.loads(data) == value
    assert canonical.json_bytes(json.loads(data)) == data


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical.json_bytes(turned) == canonical.json_bytes(value)
    assert canonical.digest(turned) == canonical.digest(value)


def test_json_is_compact_and_keeps_letters() -> None:
    assert canonical.json_bytes({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}\n'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical.json_bytes([value])


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    mask = os.umask(0o027)
    try:
        canonical.write_atomic(path, b"one")
        assert path.stat().st_mode & 0o777 == 0o640
        path.chmod(0o604)
        canonical.write_atomic(path, b"two")
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o604


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        canonical.write_atomic(path, b"new" * 1000)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_only_what_killed_writers_of_that_file_left_is_cleared(tmp_path: Path) -> None:
    for name in ("file", ".file.12-ab.part", ".other.12-ab.part", "file.part"):
        (tmp_path / name).touch()
    canonical.remove_parts(tmp_path / "file")
    assert sorted(os.listdir(tmp_path)) == [".other.12-ab.part", "file", "file.part"]

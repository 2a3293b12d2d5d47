"""Two trees are compared file by file, in what Nix sees of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nixrepro.trees import Change, Kind, compare


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "in/ner").mkdir(parents=True)
    (one / "in/file").write_bytes(b"0123456789")
    (one / "large").write_bytes(bytes(3_000_000))
    (one / "link").symlink_to("in/file")
    shutil.copytree(one, other, symlinks=True)
    return one, other


def test_the_same(pair: tuple[Path, Path]) -> None:
    (pair[1] / "in/file").chmod(0o640)
    assert compare(*pair) == ()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[2_500_000] ^= 255
    path.write_bytes(data)


HARMS: list[tuple[Callable[[Path], object], str, Kind, str]] = [
    (lambda p: flip(p / "large"), "large", Kind.CONTENT, "differs from byte 2500000 on"),
    (
        lambda p: (p / "in/file").write_bytes(b"01234"),
        "in/file",
        Kind.CONTENT,
        "differs from byte 5 on, and has 5 bytes instead of 10",
    ),
    (lambda p: (p / "in/file").chmod(0o755), "in/file", Kind.MODE, "is executable"),
    (lambda p: (p / "in/file").unlink(), "in/file", Kind.MISSING, "is missing"),
    (lambda p: (p / "in/ner/x").touch(), "in/ner/x", Kind.EXTRA, "is one too many"),
    (lambda p: (p / "in/ner").rmdir(), "in/ner", Kind.MISSING, "is missing"),
    (
        lambda p: ((p / "link").unlink(), (p / "link").symlink_to("large")),
        "link",
        Kind.LINK,
        "links to large instead of in/file",
    ),
    (
        lambda p: ((p / "link").unlink(), (p / "link").mkdir()),
        "link",
        Kind.TYPE,
        "is a folder instead of a link",
    ),
]


@pytest.mark.parametrize(("harm", "path", "kind", "text"), HARMS)
def test_each_kind(
    pair: tuple[Path, Path], harm: Callable[[Path], object], path: str, kind: Kind, text: str
) -> None:
    harm(pair[1])
    assert compare(*pair) == (Change(path, kind, text),)


def test_a_file_may_differ_in_two_ways(pair: tuple[Path, Path]) -> None:
    for each in pair:
        (each / "in/file").chmod(0o755)
    (pair[1] / "in/file").chmod(0o644)
    (pair[1] / "in/file").write_bytes(b"x")
    kinds = [change.kind for change in compare(*pair)]
    assert kinds == [Kind.CONTENT, Kind.MODE]


def test_what_is_one_file_or_nothing(pair: tuple[Path, Path]) -> None:
    one, other = pair[0] / "in/file", pair[1] / "in/file"
    other.write_bytes(b"x")
    assert compare(one, other)[0].path == ""
    assert compare(one, pair[1] / "gone") == (Change("", Kind.MISSING, "is missing"),)

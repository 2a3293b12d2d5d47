"""Packages indexes: what is read of them, whatever their shape."""

from __future__ import annotations

import lzma
import zlib
from pathlib import Path

import pytest
from debian.deb822 import Packages
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.errors import ResolveError
from nixrepro.resolve.index import Index, trimmed, unpacked
from nixrepro.resolve.package import Package, Relation, compare, relations

RECORDED = Path(__file__).parents[1] / "recorded/debian"
FILES = sorted(RECORDED.glob("*.packages"))
END = "Filename: pool/x.deb\nSize: 1\nSHA256: " + "0" * 64 + "\n"


def index(text: str) -> Index:
    return Index(trimmed([text.encode()]), "sid", "debian")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_real_indexes_are_read_as_python_debian_reads_them(file):
    text = file.read_text()
    found = index(text)
    assert len(FILES) == 4
    expected = list(Packages.iter_paragraphs(text.splitlines(), use_apt_pkg=False))
    assert len(expected) > 3
    assert set(found.names()) == {paragraph["Package"] for paragraph in expected}
    for paragraph in expected:
        versions = {package.version: package for package in found.packages(paragraph["Package"])}
        package = versions[paragraph["Version"]]
        assert package.location == paragraph["Filename"]
        assert package.sha256 == paragraph["SHA256"]
        assert package.source == paragraph.get("Source", package.name).split()[0]
        assert len(package.needs) == len(
            [n for f in ("Depends", "Pre-Depends") for n in paragraph.get(f, "").split(",") if n]
        )


def test_real_providers_are_found():
    bookworm = index((RECORDED / "bookworm.packages").read_text())
    assert set(bookworm.providers("awk")) == {"gawk", "mawk", "original-awk"}
    assert set(bookworm.providers("debconf-2.0")) == {"cdebconf", "debconf"}
    assert list(bookworm.providers("no-such-thing")) == []


def text_of(blocks) -> bytes:
    return b"".join(map(zlib.decompress, blocks))


@given(st.integers(1, 3000), st.randoms(use_true_random=False))
def test_the_pieces_in_which_a_text_comes_do_not_matter(size, random):
    text = (RECORDED / "trixie.packages").read_bytes()
    cuts = sorted(random.sample(range(len(text)), min(20, len(text))))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    assert text_of(trimmed(pieces)) == text_of(trimmed([text]))
    even = (text[at : at + size] for at in range(0, len(text), size))
    assert text_of(trimmed(even)) == text_of(trimmed([text]))


def test_fields_that_resolving_does_not_read_are_dropped():
    text = f"Package: a\nDescription: a\n Package: b\n  more\nTag: x\nVersion: 1\n{END}"
    assert text_of(trimmed([text.encode()])) == f"Package: a\nVersion: 1\n{END}".encode()
    assert list(index(text).names()) == ["a"]


def test_folded_fields_and_any_order_of_fields_are_understood():
    found = index(
        f"Version: 2:1-1\nProvides: v,\n w (= 3)\nPackage: aa\nDepends: b,\n c | d\n{END}"
    )
    (package,) = found.packages("aa")
    assert package.version == "2:1-1"
    assert package.provides == (Relation("v"), Relation("w", "=", "3"))
    assert package.needs == ((Relation("b"),), (Relation("c"), Relation("d")))
    assert list(found.providers("v")) == list(found.providers("w")) == ["aa"]


def test_a_paragraph_without_a_name_is_an_error():
    with pytest.raises(ResolveError, match="a paragraph that names no package"):
        index(f"Package: aa\nVersion: 1\n{END}\nVersion: 2\n{END}")


def test_an_empty_index_holds_nothing():
    assert list(index("").names()) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Filename: pool/../../etc/x.deb", "leads out"),
        ("Filename: /etc/x.deb", "leads out"),
        ('Filename: pool/x".deb', "can't be used"),
        ("Filename: pool/${x}/x.deb", "leads out"),
        ("SHA256: 1234", "can't be used"),
        ("Size: many", "ValueError"),
        ("Version: 1 2", "can't be used"),
        ("Version: ../1", "can't be used"),
    ],
)
def test_a_field_that_breaks_out_is_refused(line, reason):
    field = line.partition(":")[0]
    lines = f"Package: aa\nVersion: 1\n{END}".splitlines()
    text = "\n".join(line if at.startswith(field + ":") else at for at in lines)
    with pytest.raises(ResolveError, match="describes the package aa badly") as caught:
        index(text).packages("aa")
    assert reason in caught.value.message


def test_a_missing_field_is_named():
    with pytest.raises(ResolveError, match="KeyError 'Version'"):
        index(f"Package: aa\n{END}").packages("aa")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("libc6 (>= 2.36), zlib1g", ((Relation("libc6", ">=", "2.36"),), (Relation("zlib1g"),))),
        ("a | b (<< 1:2~)", ((Relation("a"), Relation("b", "<<", "1:2~")),)),
        ("python3:any (>= 3.5~)", ((Relation("python3", ">=", "3.5~"),),)),
        ("perl:native", ((Relation("perl"),),)),
        ("libc6:i386", ((Relation("libc6:i386"),),)),
        ("a [amd64], b [i386 arm64]", ((Relation("a"),),)),
        ("c [!amd64], d [linux-any]", ((Relation("d"),),)),
        ("a [!i386] | b [i386]", ((Relation("a"),),)),
        ("a (= 1), ", ((Relation("a", "=", "1"),),)),
        ("", ()),
        (None, ()),
    ],
)
def test_relations(text, expected):
    assert relations(text) == expected


@pytest.mark.parametrize(
    ("operator", "accepted"),
    [
        ("<<", ["1.0~rc1-1"]),
        ("<=", ["1.0~rc1-1", "1.0-1"]),
        ("=", ["1.0-1"]),
        (">=", ["1.0-1", "1.0-1+b1", "1:0.1"]),
        (">>", ["1.0-1+b1", "1:0.1"]),
        ("", ["1.0~rc1-1", "1.0-1", "1.0-1+b1", "1:0.1"]),
    ],
)
def test_versions_are_compared_as_debian_does(operator, accepted):
    relation = Relation("a", operator, "1.0-1" if operator else "")
    versions = ["1.0~rc1-1", "1.0-1", "1.0-1+b1", "1:0.1"]
    assert [version for version in versions if relation.accepts(version)] == accepted
    assert compare("1.0-1", "1.0-1") == 0


def test_a_provision_without_a_version_meets_no_condition_on_one():
    plain = Package("a", "1", "g", provides=(Relation("v"),))
    exact = Package("a", "1", "g", provides=(Relation("v", "=", "2"),))
    assert plain.meets(Relation("v"))
    assert not plain.meets(Relation("v", ">=", "0"))
    assert exact.meets(Relation("v", ">=", "2"))
    assert not exact.meets(Relation("v", ">>", "2"))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_xz_are_an_error_of_ours(data):
    with pytest.raises(ResolveError, match="can't be unpacked"):
        list(unpacked(data, "Packages.xz", "here"))


@given(st.integers(0, 2_500_000), st.data())
def test_a_cut_anywhere_in_an_xz_is_noticed(size, data):
    packed = lzma.compress(b"ab" * (size // 2))
    assert b"".join(unpacked(packed, "x.xz", "here")) == b"ab" * (size // 2)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(ResolveError):
        list(unpacked(packed[:cut], "x.xz", "here"))

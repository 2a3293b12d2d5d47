"""Bundles that somebody made to lead astray, and damaged ones: nothing of them is used."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.bundle import manifest as manifests
from nixrepro.bundle.manifest import BrokenBundle, Manifest, Member
from nixrepro.bundle.named import is_bundle
from nixrepro.bundle.reading import open_bundle
from nixrepro.bundle.sources import of_file
from nixrepro.bundle.writing import write
from nixrepro.verify.display import Silent

RUN = "a" * 64


def manifest(**members: Member) -> bytes:
    return manifests.written(Manifest(RUN, "", members=members))


def tar(path: Path, *entries: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as made:
        for entry, data in entries:
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return path


def entry(name: str, **more: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(made, key, value)
    return made


@pytest.mark.parametrize("name", ["x.tar", "x"])
def test_there_and_back(tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)) * 9000)
    source = of_file(file)
    write(tmp_path / name, manifest(a=source.member), {"a": source}, Silent())
    bundle = open_bundle(tmp_path / name)
    bundle.check(Silent())
    assert b"".join(bundle.blocks("a")) == file.read_bytes()
    assert is_bundle(str(tmp_path / name)) and not is_bundle("") and not is_bundle(str(tmp_path))


def test_names_that_lead_elsewhere(tmp_path: Path) -> None:
    for name in (
        "../x",
        "/etc/x",
        "a/../../x",
        ".ssh/x",
        "a//b",
        "a/./b",
        "a\\b",
        "",
        "a\nb",
        "-x",
    ):
        document = json.loads(manifest())
        document["members"] = {name: {"size": 1, "sha256": "0" * 64}}
        path = tar(tmp_path / "x.tar", (entry("manifest.json"), json.dumps(document).encode()))
        with pytest.raises(BrokenBundle, match="has no manifest of a bundle"):
            open_bundle(path)


def test_members_that_the_manifest_does_not_name(tmp_path: Path) -> None:
    first = (entry("manifest.json"), manifest())
    for odd in ("x", "../../x", "/x"):
        with pytest.raises(BrokenBundle, match="of which its manifest says nothing"):
            open_bundle(tar(tmp_path / "x.tar", first, (entry(odd), b"x")))
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        link = entry("x", type=kind, linkname="/etc/passwd")
        with pytest.raises(BrokenBundle, match="which is no plain file"):
            open_bundle(tar(tmp_path / "x.tar", first, (link, b"")))
    known = (entry("manifest.json"), manifest(x=Member(1, "0" * 64)))
    with pytest.raises(BrokenBundle, match="twice"):
        open_bundle(tar(tmp_path / "x.tar", known, (entry("x"), b"x"), (entry("x"), b"y")))
    with pytest.raises(BrokenBundle, match="twice"):
        open_bundle(tar(tmp_path / "x.tar", first, first))
    with pytest.raises(BrokenBundle, match="it does not begin with"):
        open_bundle(tar(tmp_path / "x.tar", (entry("x"), b"x"), first))


def test_what_is_damaged_or_cut(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 30_000)
    source = of_file(file)
    path = tmp_path / "x.tar"
    write(path, manifest(a=source.member), {"a": source}, Silent())
    whole = path.read_bytes()
    for data, message in (
        (whole.replace(b"x" * 100, b"y" * 100, 1), "a is damaged"),
        (whole[:20_000], "cut off|no whole tar"),
        (whole[:100], "no whole tar"),
        (b"", "no whole tar|is empty"),
        (b"\0" * 10240, "is empty"),
        (os.urandom(3000), "no whole tar"),
    ):
        path.write_bytes(data)
        with pytest.raises(BrokenBundle, match=message):
            open_bundle(path).check(Silent())


def test_a_folder_with_links_or_more_than_it_says(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    source = of_file(file)
    made = tmp_path / "made"
    write(made, manifest(**{"a": source.member}), {"a": source}, Silent())
    (made / "more").touch()
    with pytest.raises(BrokenBundle, match="'more', of which"):
        open_bundle(made)
    (made / "more").unlink()
    (made / "a").unlink()
    with pytest.raises(BrokenBundle, match="lacks a"):
        open_bundle(made)
    (made / "a").symlink_to(file)
    with pytest.raises(BrokenBundle, match="no plain file"):
        open_bundle(made)
    (made / "a").unlink()
    (made / "a").write_bytes(b"xy")
    with pytest.raises(BrokenBundle, match="has 2 bytes, not 1"):
        open_bundle(made)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("run", "../x"),
        ("run", 3),
        ("project", "../x"),
        ("project", "/x"),
        ("code", {"code/x": "--upload-pack=x"}),
        ("closure", ["/etc/passwd"]),
        ("closure", ["/nix/store/../../x"]),
        ("members", {"a": {"size": -1, "sha256": "0" * 64}}),
        ("members", {"a": {"size": True, "sha256": "0" * 64}}),
        ("members", {"a": {"size": 1, "sha256": "0" * 63}}),
        ("members", []),
        ("kind", "another"),
    ],
)
def test_a_manifest_that_is_none(key: str, value: Any) -> None:
    document = {**json.loads(manifest()), key: value}
    with pytest.raises(BrokenBundle, match="has no manifest of a bundle"):
        manifests.parse(json.dumps(document).encode(), "x.tar")


def test_a_manifest_of_a_later_version() -> None:
    document = {**json.loads(manifest()), "format": 2}
    with pytest.raises(BrokenBundle, match="by a later nixrepro") as error:
        manifests.parse(json.dumps(document).encode(), "x.tar")
    assert "update" in error.value.hint


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(BrokenBundle):
        manifests.parse(data, "x.tar")


@given(st.text(max_size=30))
def test_any_name_that_passes_stays_in_its_folder(name: str) -> None:
    try:
        manifests.checked(name)
    except ValueError:
        return
    assert os.path.normpath(f"/base/{name}").startswith("/base/")

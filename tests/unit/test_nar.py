"""A path's NAR hash is the one that Nix takes, whatever the tree; processes take many."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nixrepro import nar
from nixrepro.base32 import encode
from nixrepro.errors import NixreproError
from nixrepro.nar import Hashed, Unreadable, hash_path
from nixrepro.nar_pool import Pool

# By `nix-hash --type sha256 --base32` and `nix-store --dump` of Nix 2.8.0, for what `tree` makes.
RECORDED = {
    "file": Hashed("sha256:04zwf782yjwnh3q6hz5izfd6jyip8kgw6g6yj43fiqhbyhdd0dqw", 120),
    "prog": Hashed("sha256:0m35wabrvlzjvv71f2xvca3vd91gh9mwvh4mm38h7yb0h9kc30v2", 160),
    "link": Hashed("sha256:18f24vjyrhnw2g4rmsh53018y792wnayg04l5zhrk4dicfxcvpn3", 128),
    "tree": Hashed("sha256:1kzmx0d7sqpklhqnd82cnbvh4wvhsbhpvawgngrf60f0vs8hwr8f", 202144),
}


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    for name in ("tree/sub/empty", "tree/B", "tree/b"):
        (tmp_path / name).mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "tree/sub"):
        (folder / "file").write_bytes(b"hello\n")
    for folder in (tmp_path, tmp_path / "tree/b"):
        (folder / "prog").write_bytes(b"#!/bin/sh\n")
        (folder / "prog").chmod(0o755)
    (tmp_path / "link").symlink_to("nowhere/else")
    (tmp_path / "tree/eight").write_bytes(b"xxxxxxxx")
    (tmp_path / "tree/none").write_bytes(b"")
    (tmp_path / "tree/B/up").symlink_to("../sub/file")
    (tmp_path / "tree/ü name").write_bytes("ä".encode())
    (tmp_path / "tree/zeros").write_bytes(bytes(200000))
    return tmp_path


@pytest.mark.parametrize("name", RECORDED)
def test_hashes_that_nix_took(trees: Path, name: str) -> None:
    told: list[int] = []
    assert hash_path(trees / name, told.append) == RECORDED[name]
    assert sum(told) == RECORDED[name].nar_size


def test_what_nix_does_not_look_at(trees: Path) -> None:
    os.utime(trees / "tree/eight", (1, 1))
    (trees / "tree/eight").chmod(0o600)
    (trees / "tree/b/prog").chmod(0o500)
    assert hash_path(trees / "tree") == RECORDED["tree"]


Tree = bytes | str | dict[str, "Tree"]
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)
TREES = st.recursive(
    st.binary(max_size=40)
    | st.integers(nar._SMALL - 9, nar._SMALL + 9).map(bytes)
    | st.integers(nar._BLOCK - 2, nar._BLOCK + 2).map(bytes)
    | NAMES,
    lambda inner: st.dictionaries(NAMES.filter(lambda n: n not in (".", "..")), inner, max_size=5),
    max_leaves=12,
)


def text(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8)


def written(tree: Tree) -> bytes:
    """A tree's archive by the words of the format's definition, the plain way."""
    if isinstance(tree, str):
        inner = [b"type", b"symlink", b"target", tree.encode()]
    elif isinstance(tree, bytes):
        inner = [b"type", b"regular", b"contents", tree]
    else:
        entries = b"".join(
            text(b"entry") + text(b"(") + text(b"name") + text(name) + text(b"node")
            + written(tree[name.decode()]) + text(b")")
            for name in sorted(name.encode() for name in tree)
        )  # fmt: skip
        return text(b"(") + text(b"type") + text(b"directory") + entries + text(b")")
    return b"".join(map(text, [b"(", *inner, b")"]))


def make(path: Path, tree: Tree) -> None:
    if isinstance(tree, str):
        path.symlink_to(tree)
    elif isinstance(tree, bytes):
        path.write_bytes(tree)
    else:
        path.mkdir()
        for name, inner in tree.items():
            make(path / name, inner)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_any_tree(tmp_path_factory: pytest.TempPathFactory, tree: Tree) -> None:
    path = tmp_path_factory.mktemp("any") / "tree"
    make(path, tree)
    archive = text(b"nix-archive-1") + written(tree)
    digest = "sha256:" + encode(hashlib.sha256(archive).digest())
    assert hash_path(path) == Hashed(digest, len(archive))


def test_a_folder_deeper_than_pythons_stack(tmp_path: Path) -> None:
    top, depth = tmp_path / "d", 1500
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    try:
        assert hash_path(top).nar_size > depth * 100
    finally:  # pytest could not
        subprocess.run(["rm", "-r", top], check=True)


@pytest.mark.parametrize("size", [1000, nar._SMALL + 1000])
@pytest.mark.parametrize("more", [-10, 10])
def test_a_file_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, more: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(size))
    stat = os.fstat

    def changes(handle: int) -> os.stat_result:
        about = stat(handle)
        os.truncate(file, size + more)
        return about

    monkeypatch.setattr(os, "fstat", changes)
    with pytest.raises(Unreadable, match="it changed while it was read"):
        hash_path(file)


def test_what_no_store_path_holds(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unreadable, match="pipe: neither a file"):
        hash_path(tmp_path)
    with pytest.raises(Unreadable, match="gone: No such file"):
        hash_path(tmp_path / "gone")


def test_many_at_once_in_any_order(trees: Path) -> None:
    told: list[int] = []
    jobs = [(name, str(trees / name), hashed.nar_size) for name, hashed in RECORDED.items()]
    with Pool(3) as pool:
        found = dict(pool.hash([*jobs, ("gone", str(trees / "gone"), 1)], told.append))
        children = pool._children
    gone = found.pop("gone")
    assert isinstance(gone, Unreadable)
    assert gone.path == str(trees / "gone")
    assert found == RECORDED
    assert sum(told) == sum(hashed.nar_size for hashed in RECORDED.values())
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_the_largest_comes_first(trees: Path) -> None:
    jobs = [(name, str(trees / name), hashed.nar_size) for name, hashed in RECORDED.items()]
    with Pool(1) as pool:
        order = [name for name, _ in pool.hash(jobs, lambda _: None)]
    assert order == ["tree", "prog", "link", "file"]


def test_nothing_to_hash() -> None:
    with Pool(2) as pool:
        assert dict(pool.hash([], lambda _: None)) == {}


def test_a_killed_process_is_an_error(trees: Path) -> None:
    with Pool(1) as pool:
        os.kill(pool._children[0], signal.SIGSTOP)
        found = pool.hash([("tree", str(trees / "tree"), 1)], lambda _: None)
        os.kill(pool._children[0], signal.SIGKILL)
        with pytest.raises(NixreproError, match="was killed"):
            next(found)

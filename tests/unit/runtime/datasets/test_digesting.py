"""The digest of a folder, and that a file is read again whenever it may have changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.runtime.datasets import Interrupted, Unreadable, cache, hashing, pool, walking
from nixrepro.runtime.datasets.digesting import digest

NAMES = st.binary(min_size=1, max_size=8).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
TREES = st.recursive(
    st.binary(max_size=20), lambda inner: st.dictionaries(NAMES, inner, max_size=5), max_leaves=15
)
OLD = time.time() - 3600


def lay(place: bytes, tree: Any) -> None:
    if isinstance(tree, bytes):
        with open(place, "wb") as file:
            file.write(tree)
        return
    os.mkdir(place)
    for name, inner in tree.items():
        lay(place + b"/" + name, inner)


def stated(tree: Any) -> bytes:
    """The digest as docs/data.md defines it, of the tree itself."""
    if isinstance(tree, bytes):
        return hashlib.sha256(tree).digest()
    said = b"nixrepro folder 1\0"
    for name in sorted(tree):
        kind = b"f" if isinstance(tree[name], bytes) else b"d"
        said += kind + stated(tree[name]) + name + b"\0"
    return hashlib.sha256(said).digest()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each file was changed long before it is looked at."""
    monkeypatch.setattr(cache, "RESOLUTION", -3_600_000_000_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "train"
    (top / "a").mkdir(parents=True)
    (top / "empty").mkdir()
    for number in range(5):
        (top / "a" / f"{number}").write_text(f"{number}\n" * number)
    (top / "b").write_bytes(b"b")
    return top


@given(tree=st.dictionaries(NAMES, TREES, max_size=5))
def test_a_folder_has_the_digest_that_is_written_down(
    tmp_path_factory: pytest.TempPathFactory, tree: Any
) -> None:
    top = os.fsencode(tmp_path_factory.mktemp("tree")) + b"/top"
    lay(top, tree)
    try:
        assert digest(top).digest == f"merkle:{stated(tree).hex()}"
    finally:
        shutil.rmtree(top)


def test_a_known_value(folder: Path) -> None:
    """Never another one: it stands in people's files."""
    found = digest(bytes(folder))
    wanted = "merkle:c699bcc2453aa4910958c7770a1cfb880a1bedd7eddcbd4a748f64129b84b269"
    assert found.digest == wanted
    assert (found.count, found.size) == (6, 21)


def test_a_file_has_its_sha256(folder: Path) -> None:
    found = digest(bytes(folder / "b"))
    assert found.digest == "sha256:" + hashlib.sha256(b"b").hexdigest()
    assert (found.count, found.size, found.top) == (1, 1, None)


def test_times_modes_links_and_place_do_not_count(folder: Path, tmp_path: Path) -> None:
    first = digest(bytes(folder)).digest
    other = tmp_path / "elsewhere"
    shutil.copytree(folder, other)
    for path in other.rglob("*"):
        os.utime(path, (1, 1))
    (other / "a" / "1").chmod(0o755)
    (other / "b").unlink()
    (other / "b").symlink_to(folder / "b")
    shutil.move(other / "a", tmp_path / "a")
    (other / "a").symlink_to(tmp_path / "a")
    assert digest(bytes(other)).digest == first
    link = tmp_path / "link"
    link.symlink_to(other)
    assert digest(bytes(link)).digest == first


@pytest.mark.parametrize("what", ["empty", "a/0"])
def test_an_empty_folder_and_an_empty_file_count(folder: Path, what: str) -> None:
    first = digest(bytes(folder)).digest
    path = folder / what
    (os.rmdir if path.is_dir() else os.unlink)(path)
    assert digest(bytes(folder)).digest != first


def test_what_is_known_is_not_read_again(folder: Path, tmp_path: Path, patient: None) -> None:
    project = str(tmp_path)
    assert digest(bytes(folder), project).read == 6
    again = digest(bytes(folder), project)
    assert (again.read, again.digest) == (0, digest(bytes(folder)).digest)
    (folder / "a" / "3").write_text("other")
    assert digest(bytes(folder), project).read == 1
    (folder / "a" / "new").write_text("new")
    assert digest(bytes(folder), project).read == 1
    (folder / "a" / "2").unlink()
    last = digest(bytes(folder), project)
    assert (last.read, last.digest) == (0, digest(bytes(folder)).digest)
    assert digest(bytes(folder), project, afresh=True).read == 6


@pytest.mark.parametrize("key", ["size", "mtime", "ctime", "inode"])
def test_each_of_size_times_and_inode_has_a_file_read_again(
    folder: Path, tmp_path: Path, patient: None, key: str
) -> None:
    path = folder / "b"
    os.utime(path, (OLD, OLD))
    digest(bytes(folder), str(tmp_path))
    if key == "size":
        path.write_bytes(b"bb")
        os.utime(path, (OLD, OLD))
    elif key == "mtime":
        os.utime(path, (OLD, OLD + 1))
    elif key == "ctime":
        path.chmod(0o600)
    else:
        new = folder.parent / "new"
        new.write_bytes(b"c")
        os.utime(new, (OLD, OLD))
        new.replace(path)
    assert digest(bytes(folder), str(tmp_path)).read == 1
    assert digest(bytes(folder), str(tmp_path)).read == 0


def test_what_changed_just_before_it_was_read_is_read_again(folder: Path, tmp_path: Path) -> None:
    """Its times might stay as they are when it changes once more."""
    project = str(tmp_path)
    digest(bytes(folder), project)
    assert digest(bytes(folder), project).read == 6
    known = cache.load(cache.file(project, bytes(folder), "sha256:"), 32)
    assert all(not each.settled for name, each in known.items() if name != b"/empty")


def test_a_change_within_the_clocks_resolution_is_seen(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case that the rule is for: same size, same inode, same times, other bytes."""
    whole = walking.packed

    def coarse(about: os.stat_result) -> tuple[int, int, int, int]:
        size, content, inode, number = whole(about)
        second = 1_000_000_000
        return size, content // second * second, inode // second * second, number

    monkeypatch.setattr(walking, "packed", coarse)
    monkeypatch.setattr(hashing, "packed", coarse)
    while time.time() % 1 > 0.5:
        time.sleep(0.05)
    (folder / "b").write_bytes(b"1")
    first = digest(bytes(folder), str(tmp_path)).digest
    (folder / "b").write_bytes(b"2")
    assert digest(bytes(folder), str(tmp_path)).digest != first


@pytest.mark.parametrize("harm", [b"", b"nixrepro digests 1\n", None])
def test_a_broken_cache_is_no_cache(
    folder: Path, tmp_path: Path, patient: None, harm: bytes | None
) -> None:
    project = str(tmp_path)
    first = digest(bytes(folder), project).digest
    path = Path(cache.file(project, bytes(folder), "sha256:"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if harm is None else harm)
    found = digest(bytes(folder), project)
    assert (found.digest, found.read) == (first, 6)


def test_a_project_that_can_not_be_written_is_no_obstacle(folder: Path, tmp_path: Path) -> None:
    (tmp_path / ".nixrepro").write_text("in the way")
    assert digest(bytes(folder), str(tmp_path)).digest == digest(bytes(folder)).digest


def test_what_is_no_data_is_named(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "gone").symlink_to("nowhere")
    (folder / "a" / "round").symlink_to(folder)
    with socket.socket(socket.AF_UNIX) as plug:
        # A socket's path is short.
        here = os.getcwd()
        os.chdir(folder)
        try:
            plug.bind("socket")
        finally:
            os.chdir(here)
        with pytest.raises(Unreadable) as caught:
            digest(bytes(folder))
    assert {(os.path.basename(path), reason) for path, reason in caught.value.problems} == {
        (b"pipe", "is a pipe, which holds no data"),
        (b"gone", "is a link to what is not there"),
        (b"round", "is a link to a folder that it lies in itself"),
        (b"socket", "is a socket, which holds no data"),
    }


def test_a_device_is_neither_file_nor_folder() -> None:
    with pytest.raises(Unreadable, match="neither a file nor a folder"):
        digest(b"/dev/null")


def test_what_is_not_there_is_said_as_python_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest(bytes(tmp_path / "nothing"))


def test_a_file_that_changes_while_it_is_read_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hashing.one

    def slow(path: bytes, *rest: Any) -> bytes:
        if path.endswith(b"/3"):
            Path(os.fsdecode(path)).write_text("meanwhile")
        return whole(path, *rest)

    monkeypatch.setattr(hashing, "one", slow)
    with pytest.raises(Unreadable, match="a/3 changed while it was read"):
        digest(bytes(folder))


def test_one_that_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root may read everything, the kernel's answer is a made-up one."""
    whole = os.open

    def refusing(path: Any, *rest: Any, **more: Any) -> int:
        if isinstance(path, bytes) and path.endswith(b"/4"):
            raise PermissionError(13, "Permission denied", path)
        return whole(path, *rest, **more)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(Unreadable, match="a/4 can't be read: Permission denied"):
        digest(bytes(folder))


def many(top: Path) -> int:
    for number in range(700):
        path = top / f"{number % 7}" / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number * (number % 50))
    (top / "large").write_bytes(os.urandom(1 << 20) * 20)
    return 701


@pytest.mark.parametrize("workers", [2, 5])
def test_several_processes_find_what_one_does(tmp_path: Path, workers: int) -> None:
    top = tmp_path / "many"
    count = many(top)
    told: list[tuple[int, int]] = []
    found = digest(bytes(top), workers=workers, tell=lambda *pair: told.append(pair))
    alone = digest(bytes(top), workers=1)
    assert (found.digest, found.count, found.read) == (alone.digest, count, count)
    assert told[-1] == (found.size, found.size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_processes_name_what_can_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "many"
    many(top)
    whole = walking.packed

    def otherwise(about: os.stat_result) -> tuple[int, int, int, int]:
        return (*whole(about)[:3], 0) if about.st_size == 147 else whole(about)

    monkeypatch.setattr(hashing, "packed", otherwise)
    with pytest.raises(Unreadable) as caught:
        digest(bytes(top), workers=2)
    assert {reason for _, reason in caught.value.problems} == {"changed while it was read"}
    assert all(os.path.getsize(path) == 147 for path, _ in caught.value.problems)


def test_a_signal_ends_it_and_all_its_processes(tmp_path: Path) -> None:
    top = tmp_path / "many"
    many(top)
    asked = iter([False] * 10 + [True] * 1000)
    with pytest.raises(Interrupted):
        digest(bytes(top), workers=2, asked=lambda: next(asked))
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_processes_that_are_killed_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = tmp_path / "many"
    many(top)
    monkeypatch.setattr(pool, "one", lambda *_: os._exit(9))
    with pytest.raises(Unreadable, match="were ended by something"):
        digest(bytes(top), workers=2)


def test_several_at_a_time_leave_a_whole_cache(folder: Path, tmp_path: Path, patient: None) -> None:
    code = (
        "import sys\n"
        "from nixrepro.runtime.datasets.digesting import digest\n"
        "print(digest(sys.argv[1].encode(), sys.argv[2]).digest)"
    )
    argv = [sys.executable, "-c", code, str(folder), str(tmp_path)]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate()[0].strip() for process in running]
    assert said == [digest(bytes(folder)).digest] * 4
    path = Path(cache.file(str(tmp_path), bytes(folder), "sha256:"))
    assert list(path.parent.iterdir()) == [path]
    assert len(cache.load(str(path), 32)) == 3

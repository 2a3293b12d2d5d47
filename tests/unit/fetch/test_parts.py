"""Half-fetched files: who may write them, and how long they stay."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.fetch import parts
from nixrepro.fetch.display import Display

NAME = "0" * 64


def nothing() -> None:
    pass


def test_one_claim_at_a_time(cache: Path):
    inside, most, waited = [], [], []

    def work() -> None:
        with parts.claim(cache, NAME, nothing, lambda: waited.append(1)):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8
    assert waited
    assert list(cache.iterdir()) == []


def test_waiting_ends_when_told_to_stop(cache: Path):
    display = Display([], quiet=True)
    with parts.claim(cache, NAME, nothing, nothing):
        display.stop()
        with pytest.raises(parts.Stopped), parts.claim(cache, NAME, display.check, nothing):
            raise AssertionError("two hold one claim")


def test_an_empty_part_leaves_nothing(cache: Path):
    with parts.claim(cache, NAME, nothing, nothing) as mine, mine.part("a.whl") as part:
        assert part.size == 0
    assert list(cache.iterdir()) == []


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(0, 6))
def test_a_part_written_in_pieces_has_the_digest_of_the_whole(tmp_path_factory, pieces, cut):
    import hashlib

    cache = tmp_path_factory.mktemp("cache")
    for some in (pieces[:cut], pieces[cut:]):
        with parts.claim(cache, NAME, nothing, nothing) as mine, mine.part("a.whl") as part:
            for piece in some:
                part.write(piece)
            digest, size = part.sha256(), part.size
    whole = b"".join(pieces)
    assert (digest, size) == (hashlib.sha256(whole).hexdigest(), len(whole))


def test_old_parts_are_swept_and_young_or_claimed_ones_stay(cache: Path):
    cache.mkdir(parents=True)
    old, young, held = (cache / f"{digit * 64}.part" for digit in "abc")
    for path in (old, young, held):
        path.write_bytes(b"x")
    now = time.time()
    for path in (old, held):
        os.utime(path, (now - 15 * 86400, now - 15 * 86400))
    with parts.claim(cache, held.stem, nothing, nothing):
        parts.sweep(cache, now)
        assert sorted(path.name for path in cache.glob("*.part")) == [young.name, held.name]


def test_what_a_kill_left_is_swept_in_time(cache: Path):
    now = time.time()
    for digit, days in (("a", 15), ("b", 1)):
        folder = cache / f"{digit * 64}.d"
        folder.mkdir(parents=True)
        (folder / "a.whl").write_bytes(b"x")
        lock = cache / f"{digit * 64}.lock"
        lock.touch()
        for path in (folder, lock):
            os.utime(path, (now - days * 86400, now - days * 86400))
    part = cache / f"{'c' * 64}.part"
    part.write_bytes(b"young, and its lock is old")
    old_lock = part.with_suffix(".lock")
    old_lock.touch()
    os.utime(old_lock, (now - 15 * 86400, now - 15 * 86400))
    parts.sweep(cache, now)
    young = [f"{'b' * 64}.d", f"{'b' * 64}.lock", part.name]
    assert sorted(path.name for path in cache.iterdir()) == young


def test_a_folder_and_a_lock_that_someone_holds_are_not_swept(cache: Path):
    now = time.time()
    with parts.claim(cache, NAME, nothing, nothing):
        folder, lock = cache / f"{NAME}.d", cache / f"{NAME}.lock"
        folder.mkdir()
        for path in (folder, lock):
            os.utime(path, (now - 15 * 86400, now - 15 * 86400))
        parts.sweep(cache, now)
        assert sorted(cache.iterdir()) == [folder, lock]


@pytest.mark.parametrize("place", ["part", "d"])
def test_a_file_with_another_name_elsewhere_is_never_written_to(cache, tmp_path, place):
    own = tmp_path / "own"
    own.write_bytes(b"mine")
    name = f"{NAME}.part" if place == "part" else f"{NAME}.d/a.whl"
    (cache / name).parent.mkdir(parents=True)
    (cache / name).hardlink_to(own)
    with parts.claim(cache, NAME, nothing, nothing) as mine:
        with mine.part("a.whl") as part:
            assert part.size == 0
            part.write(b"other")
        with mine.finished("a.whl") as file:
            assert file.read_bytes() == b"other"
    assert own.read_bytes() == b"mine"
    assert list(cache.iterdir()) == []

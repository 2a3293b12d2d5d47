"""Reading an archive: what is trusted, what is refused, and what is kept."""

from __future__ import annotations

import lzma
import os
import shutil
import time
from datetime import date

import pytest

from nixrepro.errors import ConfigError, Exit, FetchError, ResolveError
from nixrepro.registries.apt import Mirrors

HELLO = """Package: hello
Version: 1.0-1
Architecture: amd64
Description: greets
 At length.
Filename: pool/main/h/hello/hello_1.0-1_amd64.deb
Size: 7
SHA256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
"""


def names(archives, suite="sid"):
    return [name for index in archives.suite(suite) for name in index.names()]


@pytest.mark.parametrize("ending", [".xz", ".gz", ""])
@pytest.mark.parametrize("by_hash", [True, False])
def test_a_signed_suite_is_read(archive, ending, by_hash):
    archive.suite("sid", HELLO, ending=ending, by_hash=by_hash)
    (index,) = archive.archives().suite("sid")
    (hello,) = index.packages("hello")
    assert (hello.version, hello.size, hello.group) == ("1.0-1", 7, "sid")
    assert (hello.archive, hello.source) == ("debian", "hello")


def test_a_stable_suite_comes_with_updates_and_security(archive):
    archive.whole("trixie", HELLO, HELLO.replace("hello", "hallo"), HELLO.replace("hello", "salut"))
    found = archive.archives().suite("trixie")
    assert [(list(index.names()), index.archive) for index in found] == [
        (["hello"], "debian"),
        (["hallo"], "debian"),
        (["salut"], "debian-security"),
    ]
    assert {index.group for index in found} == {"trixie"}


def test_one_changed_byte_is_refused(archive):
    path = archive.suite("sid", HELLO)
    signed = archive.server.files[path]
    archive.server.files[path] = signed.replace(b"Origin: Debian", b"Origin: Debiam")
    with pytest.raises(ResolveError, match="content is not what was signed") as caught:
        names(archive.archives())
    # The OpenPGP library's own text is a stack trace: nothing of it may come through.
    error = caught.value
    assert "backtrace" not in str(error).lower() + error.details.lower()
    assert error.__cause__ is None
    assert error.__context__ is None
    assert error.code == Exit.USAGE


def test_text_around_the_signed_part_is_not_read(archive):
    path = archive.suite("sid", HELLO)
    archive.server.files[path] = b"Codename: bookworm\n\n" + archive.server.files[path]
    assert names(archive.archives()) == ["hello"]


def test_an_unsigned_index_is_refused(archive):
    path = archive.suite("sid", HELLO)
    archive.server.files[path] = b"Origin: Debian\nCodename: sid\n"
    with pytest.raises(ResolveError, match="it has no signature"):
        names(archive.archives())


def test_a_cut_index_is_refused(archive):
    path = archive.suite("sid", HELLO)
    archive.server.files[path] = archive.server.files[path][:-60]
    with pytest.raises(ResolveError, match="cut short"):
        names(archive.archives())


def test_an_unknown_key_is_named(archive, other_key):
    archive.suite("sid", HELLO, key=other_key)
    with pytest.raises(ResolveError, match=r"keys that are not in the keyring \([0-9A-Fa-f]{16}"):
        names(archive.archives())


def test_a_signed_index_of_another_suite_is_refused(archive):
    archive.suite("sid", HELLO, codename="experimental")
    with pytest.raises(ResolveError, match=r"index of experimental .* not of sid"):
        names(archive.archives())


def test_an_expired_index_is_refused(archive):
    archive.suite("sid", HELLO, until="Sat, 07 Mar 2020 10:00:00 UTC")
    with pytest.raises(ResolveError, match="sid expired on 2020-03-07 10:00 UTC"):
        names(archive.archives())


def test_an_expired_index_is_taken_where_apt_is_told_so(archive):
    archive.suite("sid", HELLO, until="Sat, 07 Mar 2020 10:00:00 UTC")
    assert names(archive.archives(mirrors=archive.mirrors(expired=True))) == ["hello"]


def test_an_index_of_the_future_is_refused(archive):
    archive.suite("sid", HELLO, made="Sat, 07 Mar 2350 10:00:00 UTC")
    with pytest.raises(ResolveError, match="made on 2350-03-07"):
        names(archive.archives())


def test_an_index_with_another_hash_names_both(archive):
    archive.suite("sid", HELLO, served=lzma.compress(HELLO.replace("1.0", "6.6").encode()))
    with pytest.raises(ResolveError, match=r"sha256 [0-9a-f]{64}, .* with [0-9a-f]{64} are due"):
        names(archive.archives())
    assert not archive.cache.exists()


def test_a_signed_but_truncated_index_is_refused(archive):
    packed = lzma.compress((HELLO * 1000).encode())
    archive.suite("sid", packed=packed[: len(packed) // 2])
    with pytest.raises(ResolveError, match=r"Packages\.xz can't be unpacked"):
        names(archive.archives())
    assert not archive.cache.exists()


def test_a_truncated_gzip_index_is_refused(archive):
    archive.suite("sid", HELLO, ending=".gz")
    archive.suite("sid", packed=archive.server.files[hash_path(archive)][:-20], ending=".gz")
    with pytest.raises(ResolveError, match=r"Packages\.gz can't be unpacked"):
        names(archive.archives())


def hash_path(archive):
    return next(path for path in archive.server.files if "by-hash" in path)


def test_a_proxy_that_does_not_know_hash_paths_will_do(archive):
    archive.suite("sid", HELLO)
    data = archive.server.files.pop(hash_path(archive))
    archive.server.files["/debian/dists/sid/main/binary-amd64/Packages.xz"] = data
    assert names(archive.archives()) == ["hello"]


def test_an_index_that_is_nowhere_is_a_fetch_error(archive):
    archive.suite("sid", HELLO)
    del archive.server.files[hash_path(archive)]
    with pytest.raises(FetchError, match=r"Packages\.xz: 404") as caught:
        names(archive.archives())
    assert caught.value.hint == "check the mirror's URL"


def test_an_index_is_fetched_once(archive):
    archive.suite("sid", HELLO)
    assert names(archive.archives()) == names(archive.archives()) == ["hello"]
    paths = [path for path, _ in archive.server.asked]
    assert len([path for path in paths if "by-hash" in path]) == 1
    assert len([path for path in paths if path.endswith("InRelease")]) == 2


def test_a_damaged_cache_is_fetched_anew(archive):
    archive.suite("sid", HELLO)
    names(archive.archives())
    (kept,) = archive.cache.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    assert names(archive.archives()) == ["hello"]
    assert kept.read_bytes() == good


def test_what_nothing_used_for_a_month_leaves_the_cache(archive):
    archive.cache.mkdir()
    for name, days in (("old", 31), ("recent", 29)):
        (archive.cache / name).touch()
        os.utime(archive.cache / name, (time.time() - days * 86400,) * 2)
    archive.suite("sid", HELLO)
    names(archive.archives())
    left = {path.name for path in archive.cache.iterdir()}
    assert "old" not in left
    assert "recent" in left
    assert len(left) == 2


def test_a_cache_that_cannot_be_written_is_no_error(archive):
    archive.cache.write_text("a file stands where the folder should be")
    archive.suite("sid", HELLO)
    assert names(archive.archives()) == ["hello"]


def test_a_missing_suite_is_a_fetch_error(archive):
    with pytest.raises(FetchError, match="dists/sid/InRelease") as caught:
        names(archive.archives())
    assert caught.value.code == Exit.FETCH


def test_an_unknown_suite_names_the_known_ones(archive):
    with pytest.raises(ResolveError, match="no suite 'woody'") as caught:
        names(archive.archives(), "woody")
    assert "bullseye, bookworm, trixie, sid" in caught.value.hint


def test_without_a_mirror_the_error_says_what_to_set(archive):
    with pytest.raises(ConfigError, match="no mirror of the archive debian") as caught:
        names(archive.archives(mirrors=Mirrors()))
    assert "tool.nixrepro.base.mirror" in caught.value.hint
    assert "NIXREPRO_DEBIAN_MIRROR" in caught.value.hint


DAY = date(2022, 3, 1)
THEN = "/archive/debian/20220302T000000Z"


def test_a_day_is_read_from_the_snapshot(archive):
    archive.suite(
        "sid",
        HELLO,
        folder=THEN,
        made="Mon, 28 Feb 2022 20:00:00 UTC",
        until="Mon, 07 Mar 2022 20:00:00 UTC",
    )
    mirrors = archive.mirrors(snapshot=archive.server.url)
    assert names(archive.archives(mirrors=mirrors, as_of=DAY)) == ["hello"]
    with pytest.raises(FetchError):  # and the mirror of today is not asked
        names(archive.archives(mirrors=mirrors))


def test_an_index_that_had_expired_on_the_day_is_refused(archive):
    archive.suite(
        "sid",
        HELLO,
        folder=THEN,
        made="Tue, 01 Feb 2022 20:00:00 UTC",
        until="Mon, 28 Feb 2022 20:00:00 UTC",
    )
    mirrors = archive.mirrors(snapshot=archive.server.url, expired=True)
    with pytest.raises(ResolveError, match="expired on 2022-02-28"):
        names(archive.archives(mirrors=mirrors, as_of=DAY))


def test_a_snapshot_that_answers_with_today_is_refused(archive):
    archive.suite("sid", HELLO, folder=THEN)
    mirrors = archive.mirrors(snapshot=archive.server.url)
    with pytest.raises(ResolveError, match="after 2022-03-02"):
        names(archive.archives(mirrors=mirrors, as_of=DAY))


def test_without_a_snapshot_a_day_is_a_clear_error(archive):
    with pytest.raises(ConfigError, match="no snapshot archive is known") as caught:
        names(archive.archives(as_of=DAY))
    assert "tool.nixrepro.base.snapshot" in caught.value.hint
    assert "NIXREPRO_DEBIAN_SNAPSHOT" in caught.value.hint


def test_a_snapshot_that_does_not_know_the_day_says_so(archive):
    mirrors = archive.mirrors(snapshot=archive.server.url)
    with pytest.raises(FetchError, match="as of 2022-03-01 can't be had"):
        names(archive.archives(mirrors=mirrors, as_of=DAY))


def test_two_readers_at_a_time_share_the_cache(archive):
    archive.suite("sid", HELLO)
    first, second = archive.archives(), archive.archives()
    assert names(first) == ["hello"]
    shutil.rmtree(archive.cache)
    assert names(second) == names(first) == ["hello"]
    assert not [path for path in archive.cache.iterdir() if path.name.startswith(".")]

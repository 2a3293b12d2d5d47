"""Whole fetches, from a server that fails as real ones do, into a real Nix store."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from nixrepro import process
from nixrepro.errors import Exit, FetchError
from nixrepro.fetch import download, fetch, lacking, wanted
from nixrepro.fetch.download import CacheError, Unavailable
from nixrepro.fetch.transfer import WrongFile
from nixrepro.lock import store_name
from nixrepro.registries.apt import Mirrors

BODY = os.urandom(300_000)
# The children that some tests fork use none of the server's threads.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def go(store, places, cache):
    def run(lock, data=(), **fields):
        return fetch(lock, store, places(**fields), cache=cache, quiet=True, data=data)

    return run


def in_store(store, artefact):
    return store.store_path(store_name(artefact.file), artefact.sha256)


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*")) if cache.exists() else []


def test_a_file_comes_into_the_store_as_its_fixed_output(server, go, store, cache, wheel, lock):
    server.files["/a.whl"] = BODY
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    report = go(lock(artefact))
    assert report.fetched == (artefact,)
    path = in_store(store, artefact)
    assert store.valid([path]) == {path}
    assert store.content(path) == BODY
    assert left(cache) == []


def test_what_is_there_is_not_asked_for_again(server, go, wheel, lock):
    server.files["/a.whl"] = BODY
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    go(lock(artefact))
    report = go(lock(artefact))
    assert (report.fetched, report.present) == ((), (artefact,))
    assert server.count("/a.whl") == 1


def test_lacking_names_each_file_once(store, wheel):
    first = wheel("a", BODY)
    again = wheel("a", BODY, role="build")
    assert [each.name for each in lacking([first, again], store)] == ["a"]


def test_a_cut_download_goes_on_where_it_was_cut(server, go, store, wheel, lock):
    server.files["/a.whl"] = BODY
    server.faults["/a.whl"] = ["cut 200000", "short 50000"]
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    go(lock(artefact))
    assert [wanted for _, wanted in server.asked] == ["", "bytes=200000-", "bytes=250000-"]
    assert store.content(in_store(store, artefact)) == BODY


def test_a_server_that_can_not_go_on_is_asked_for_the_whole(server, go, store, wheel, lock):
    server.files["/a.whl"] = BODY
    server.faults["/a.whl"] = ["cut 200000", "no-range"]
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    go(lock(artefact))
    assert store.content(in_store(store, artefact)) == BODY


def test_errors_of_a_moment_pass(server, go, wheel, lock):
    server.files["/a.whl"] = BODY
    server.faults["/a.whl"] = ["500", "502", "cut 10"]
    assert go(lock(wheel("a", BODY, url=f"{server.url}/a.whl"))).fetched


def test_a_server_that_always_cuts_at_the_same_byte_is_given_up(server, go, wheel, lock):
    server.files["/a.whl"] = BODY
    server.faults["/a.whl"] = ["cut 1000", *["cut 0"] * 30]
    with pytest.raises(Unavailable) as caught:
        go(lock(wheel("a", BODY, url=f"{server.url}/a.whl")))
    assert server.count("/a.whl") < 10
    assert caught.value.code is Exit.FETCH


def test_a_part_of_an_earlier_fetch_is_completed(server, go, store, cache, wheel, lock):
    server.files["/a.whl"] = BODY
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    cache.mkdir(parents=True)
    (cache / f"{artefact.sha256}.part").write_bytes(BODY[:123_456])
    go(lock(artefact))
    assert server.asked == [("/a.whl", "bytes=123456-")]
    assert store.content(in_store(store, artefact)) == BODY
    assert left(cache) == []


@pytest.mark.parametrize("old", [b"x" * 1000, b"x" * 300_000, b"x" * 400_000])
def test_a_spoilt_part_is_not_held_against_the_place(server, go, store, cache, wheel, lock, old):
    server.files["/a.whl"] = BODY
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    cache.mkdir(parents=True)
    (cache / f"{artefact.sha256}.part").write_bytes(old)
    go(lock(artefact))
    assert store.content(in_store(store, artefact)) == BODY


def test_a_complete_file_left_before_the_store_took_it_is_used(
    server, go, store, cache, wheel, lock
):
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    folder = cache / f"{artefact.sha256}.d"
    folder.mkdir(parents=True)
    (folder / artefact.file).write_bytes(BODY)
    go(lock(artefact))
    assert server.asked == []
    assert store.content(in_store(store, artefact)) == BODY
    assert left(cache) == []


@pytest.mark.parametrize("wrong", [BODY[:-1] + b"!", BODY + b"more", b"short", b""])
def test_a_wrong_file_is_refused_and_nothing_of_it_is_kept(
    server, go, store, cache, wheel, lock, wrong
):
    server.files["/a.whl"] = wrong
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    with pytest.raises(WrongFile) as caught:
        go(lock(artefact))
    assert f"{server.url}/a.whl" in caught.value.message
    if len(wrong) == len(BODY):
        assert artefact.file in caught.value.message
        assert artefact.sha256 in caught.value.message
        assert hashlib.sha256(wrong).hexdigest() in caught.value.message
    assert left(cache) == []
    assert store.names() == []


def test_a_wrong_file_of_unstated_length_is_refused(server, go, store, cache, wheel, lock):
    server.files["/a.whl"] = BODY + b"more"
    server.faults["/a.whl"] = ["short 400000"]
    with pytest.raises(WrongFile):
        go(lock(wheel("a", BODY, url=f"{server.url}/a.whl")))
    assert (left(cache), store.names()) == ([], [])


def test_data_of_unknown_size_is_fetched_and_checked(server, go, store, wheel, lock):
    server.files["/d.npz"] = BODY
    fields = {"layer": "data", "kind": "file", "version": "", "file": "d.npz", "size": 0}
    data = wheel("d", BODY, url=f"{server.url}/d.npz", **fields)
    go(lock(data))
    assert store.content(in_store(store, data)) == BODY
    other = wheel("e", b"other", url=f"{server.url}/d.npz", **fields)
    with pytest.raises(WrongFile):
        go(lock(other))


def test_a_404_says_where_it_was_looked_for(server, go, cache, wheel, lock):
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    with pytest.raises(Unavailable) as caught:
        go(lock(artefact))
    assert artefact.file in caught.value.message
    assert f"{server.url}/a.whl: 404 Not Found" in caught.value.details
    assert "--from" in caught.value.hint
    assert left(cache) == []


def test_one_failure_does_not_stop_the_others(server, go, store, wheel, lock):
    names = [f"n{number}" for number in range(12)]
    good = []
    for name in names:
        body = name.encode() * 1000
        server.files[f"/{name}.whl"] = body
        good.append(wheel(name, body, url=f"{server.url}/{name}.whl"))
    gone = wheel("gone", b"gone", url=f"{server.url}/gone.whl")
    with pytest.raises(Unavailable, match="gone-1"):
        go(lock(*good, gone))
    assert len(store.valid([in_store(store, each) for each in good])) == 12


def test_several_failures_are_told_together_wrong_ones_first(server, go, wheel, lock):
    server.files["/b.whl"] = b"bad!"
    gone = wheel("a", b"gone", url=f"{server.url}/a.whl")
    wrong = wheel("b", b"good", url=f"{server.url}/b.whl")
    with pytest.raises(FetchError) as caught:
        go(lock(gone, wrong))
    assert caught.value.message == "2 files could not be fetched"
    assert caught.value.details.index("expected sha256") < caught.value.details.index("404")


def test_a_host_that_does_not_answer_is_not_waited_for_again(server, go, wheel, lock):
    dead = server.url
    server.close()
    many = [wheel(f"n{number}", b"x%d" % number, url=f"{dead}/{number}") for number in range(40)]
    with pytest.raises(FetchError) as caught:
        go(lock(*many))
    assert "did not answer before" in caught.value.details


def test_deb_files_come_from_the_mirror_of_their_archive(server, go, store, wheel, lock):
    file = "gcc_4%3a12.2.0-3+b~1_amd64.deb"
    location = f"pool/main/g/gcc/{file}"
    server.files["/sec/pool/main/g/gcc/gcc_4%253a12.2.0-3+b~1_amd64.deb"] = BODY
    deb = wheel(
        "gcc",
        BODY,
        layer="system",
        kind="deb",
        file=file,
        location=location,
        archive="debian-security",
    )
    go(lock(deb), mirrors=Mirrors(debian=f"{server.url}/main", security=f"{server.url}/sec"))
    assert store.names() == ["gcc_4_3a12.2.0-3+b_1_amd64.deb"]
    assert store.content(in_store(store, deb)) == BODY


def test_a_deb_that_left_the_mirror_says_what_to_do(server, go, wheel, lock):
    deb = wheel("gcc", BODY, layer="system", kind="deb", location="pool/x", archive="debian")
    with pytest.raises(Unavailable) as caught:
        go(lock(deb), mirrors=Mirrors(debian=server.url))
    assert "lock --upgrade gcc" in caught.value.hint


def test_no_mirror_at_all_says_what_to_set(go, wheel, lock):
    deb = wheel("gcc", BODY, layer="system", kind="deb", location="pool/x", archive="debian")
    with pytest.raises(Unavailable) as caught:
        go(lock(deb))
    assert "tool.nixrepro.base.mirror" in caught.value.details


@pytest.fixture
def optional(server, wheel):
    """Makes optional data of a name, which the server has."""

    def make(name: str, **fields):
        server.files[f"/{name}"] = name.encode()
        known = {"layer": "data", "kind": "file", "version": "", "file": f"{name}.npz"}
        url = f"{server.url}/{name}"
        return wheel(name, name.encode(), url=url, optional=True, **known, **fields)

    return make


def test_optional_data_comes_only_when_it_is_named(server, go, store, wheel, lock, optional):
    server.files["/a.whl"] = BODY
    required = wheel("a", BODY, url=f"{server.url}/a.whl")
    mnist, cifar = optional("mnist"), optional("cifar")
    whole = lock(required, mnist, cifar)
    report = go(whole)
    assert (report.fetched, report.present) == ((required,), ())
    assert [path for path, _ in server.asked] == ["/a.whl"]
    report = go(whole, data=("mnist",))
    assert (report.fetched, report.present) == ((mnist,), (required,))
    assert store.names() == ["a-1-py3-none-any.whl", "mnist.npz"]
    assert wanted(whole) == [required]
    assert wanted(whole, ("cifar", "a")) == [required, cifar]


def test_nothing_is_said_of_optional_data(server, store, places, cache, lock, optional, capsys):
    fetch(lock(optional("mnist")), store, places(), cache=cache)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("path", ["", "data/mnist.npz"])
def test_named_data_that_can_not_be_had_says_what_to_do(server, go, lock, optional, path):
    data = optional("mnist", path=path)
    server.files.clear()
    with pytest.raises(Unavailable, match=r"mnist\.npz can't be had") as caught:
        go(lock(data), data=["mnist"])
    assert f"{server.url}/mnist: 404 Not Found" in caught.value.details
    own = f"put it at {path}, or " if path else ""
    where = "put mnist.npz in a folder, then: nixrepro fetch --data mnist --from FOLDER"
    assert caught.value.hint == own + where


def test_plain_lines_where_there_is_no_terminal(server, store, places, cache, wheel, lock, capsys):
    server.files["/a.whl"] = BODY
    fetch(lock(wheel("a", BODY, url=f"{server.url}/a.whl")), store, places(), cache=cache)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[0] == "fetching 1 files, 300.0 kB"
    assert shown.err.splitlines()[-1].startswith("fetched 1 of 1 files, 300.0 kB in ")


def made(store):
    """Have Nix make the store: two of Nix that make the same one stumble over each other."""
    store.valid([store.store_path("any", "0" * 64)])


def test_two_fetches_at_a_time_fetch_once(server, store, places, cache, wheel, lock):
    server.files["/a.whl"] = BODY
    server.pause = 0.05
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    reports = []
    made(store)

    def one():
        reports.append(fetch(lock(artefact), store, places(), cache=cache, quiet=True))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.fetched) for report in reports) == [0, 0, 0, 1]
    assert server.count("/a.whl") == 1
    assert left(cache) == []


def test_two_processes_at_a_time_do_each_other_no_harm(server, store, places, cache, wheel, lock):
    artefacts = []
    for number in range(10):
        body = os.urandom(50_000)
        server.files[f"/{number}"] = body
        artefacts.append(wheel(f"n{number}", body, url=f"{server.url}/{number}"))
    children = []
    made(store)
    for _ in range(2):
        children.append(os.fork())
        if children[-1] == 0:
            code = 1
            try:
                fetch(lock(*artefacts), store, places(), cache=cache, quiet=True)
                code = 0
            finally:
                os._exit(code)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    paths = [in_store(store, each) for each in artefacts]
    assert store.valid(paths) == set(paths)
    assert len(server.asked) == len(artefacts)
    assert left(cache) == []


def test_a_kill_in_the_middle_loses_nothing(server, store, places, cache, wheel, lock, tmp_path):
    """Two real processes: the first is killed with SIGKILL, the next one goes on."""
    body = os.urandom(4_000_000)
    server.files["/a.whl"] = body
    server.pause = 0.02
    artefact = wheel("a", body, url=f"{server.url}/a.whl")
    child = os.fork()
    if child == 0:
        try:
            fetch(lock(artefact), store, places(), cache=cache, quiet=True)
        finally:
            os._exit(0)
    part = cache / f"{artefact.sha256}.part"
    for _ in range(500):
        if part.exists() and part.stat().st_size > 500_000:
            break
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    here = part.stat().st_size
    assert 0 < here < len(body)
    assert store.names() == []
    server.pause = 0.0
    fetch(lock(artefact), store, places(), cache=cache, quiet=True)
    assert server.asked[-1] == ("/a.whl", f"bytes={here}-")
    assert store.content(in_store(store, artefact)) == body
    assert left(cache) == []


def on_a_small_disk(folder, program, url, artefact, *more, size="128k"):
    """Run a program of Python; `folder` is a real file system of a namespace of its own."""
    script = f'mount -t tmpfs -o size={size} tmpfs "$1" && shift && exec "$@"'
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    argv = ["unshare", *own, "--mount", "sh", "-c", script, "sh", str(folder)]
    argv += [sys.executable, "-c", program, url, artefact.sha256, str(artefact.size)]
    return process.run([*argv, *map(str, more)])


_FULL_DISK = """
import sys
from pathlib import Path
from nixrepro.errors import FetchError
from nixrepro.fetch import Places, fetch
from nixrepro.http import Http
from nixrepro.lock import Artefact, Lock
url, sha256, size, cache = sys.argv[1:]
artefact = Artefact("wheels", "a", "1", "wheel", "", "a.whl", int(size), sha256, "", "", url=url)
class Store:
    def store_path(self, name, sha256): return "/nix/store/x"
    def valid(self, paths): return set()
    def add_fixed(self, files): raise AssertionError("half a file reached the store")
places = Places(Http(), Path("/"), registries=None, mirrors=None)
try:
    fetch(Lock("3.11", "2.36", {}, (artefact,)), Store(), places, cache=Path(cache), quiet=True)
except FetchError as error:
    print(type(error).__name__, error.message, error.hint, sep="|")
"""


def test_a_full_disk_is_named_and_the_store_stays_clean(server, cache, wheel):
    server.files["/a.whl"] = BODY
    cache.mkdir(parents=True)
    done = on_a_small_disk(cache, _FULL_DISK, f"{server.url}/a.whl", wheel("a", BODY), cache)
    kind, message, hint = done.stdout.decode().strip().split("|")
    assert kind == "CacheError", done.stderr
    assert "No space left on device" in message
    assert "XDG_CACHE_HOME" in hint


def test_a_full_disk_is_not_laid_to_the_file_that_is_read(cache, wheel, tmp_path):
    cache.mkdir(parents=True)
    source = tmp_path / "b.whl"
    source.write_bytes(BODY)
    done = on_a_small_disk(cache, _FULL_DISK, source.as_uri(), wheel("a", BODY), cache)
    kind, message, _ = done.stdout.decode().strip().split("|")
    assert kind == "CacheError", done.stderr
    assert "No space left on device" in message


_FULL_STORE = """
import sys
from pathlib import Path
from nixrepro.errors import NixreproError
from nixrepro.fetch import Places, fetch
from nixrepro.http import Http
from nixrepro.lock import Artefact, Lock
from nixrepro.nix import Nix
url, sha256, size, root, cache = sys.argv[1:]
artefact = Artefact("wheels", "a", "1", "wheel", "", "a.whl", int(size), sha256, "", "", url=url)
store = Nix(variables={"NIX_REMOTE": f"local?root={root}"})
places = Places(Http(), Path("/"), registries=None, mirrors=None)
try:
    fetch(Lock("3.11", "2.36", {}, (artefact,)), store, places, cache=Path(cache), quiet=True)
except NixreproError as error:
    print(int(error.code), error.message, error.hint, error.details.strip(), sep="|")
"""


def test_a_full_disk_of_the_store_is_named(server, cache, wheel, tmp_path):
    body = os.urandom(3_000_000)
    server.files["/a.whl"] = body
    root = tmp_path / "root"
    root.mkdir()
    url = f"{server.url}/a.whl"
    done = on_a_small_disk(root, _FULL_STORE, url, wheel("a", body), root, cache, size="900k")
    code, message, hint, details = done.stdout.decode().strip().split("|")
    assert int(code) == Exit.FETCH, done.stderr
    assert "its disk is full" in message
    assert hint.startswith("make room on the disk of /nix")
    assert "No space left on device" in details
    assert left(cache) == []


def test_a_kill_while_the_persons_own_file_is_read_does_it_no_harm(
    server, store, places, cache, wheel, lock, tmp_path, monkeypatch
):
    own = tmp_path / "stick" / "a~1.whl"
    own.parent.mkdir()
    own.write_bytes(b"not what the lock means, but dear to me")
    server.files["/a.whl"] = BODY
    artefact = wheel("a", BODY, file=own.name, url=f"{server.url}/a.whl")
    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr(download, "chunks", lambda *_: time.sleep(100))
            fetch(lock(artefact), store, places(folder=own.parent), cache=cache, quiet=True)
        finally:
            os._exit(0)
    linked = cache / f"{artefact.sha256}.d" / store_name(own.name)
    for _ in range(1000):
        if linked.exists():
            break
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert linked.samefile(own)
    fetch(lock(artefact), store, places(), cache=cache, quiet=True)
    assert own.read_bytes() == b"not what the lock means, but dear to me"
    assert server.asked == [("/a.whl", "")]
    assert store.content(in_store(store, artefact)) == BODY
    assert left(cache) == []


def test_a_file_that_can_not_be_read_is_had_from_elsewhere(server, go, store, wheel, lock):
    """Reading this process's memory at 0 fails as a bad disk does: with EIO."""
    server.files["/mem"] = BODY
    data = wheel("d", BODY, kind="file", file="mem", url=f"{server.url}/mem")
    assert go(lock(data), folder=Path("/proc/self")).fetched == (data,)
    assert store.content(in_store(store, data)) == BODY
    other = wheel("e", b"other", kind="file", file="mem")
    with pytest.raises(Unavailable) as caught:
        go(lock(other), folder=Path("/proc/self"))
    assert caught.value.details == "file:///proc/self/mem: Input/output error"


def test_a_file_that_can_not_be_read_is_not_held_against_others(go, store, wheel, lock, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mem").write_bytes(BODY)
    data = wheel("d", BODY, kind="file", file="mem", path="data/mem")
    assert go(lock(data), folder=Path("/proc/self")).fetched == (data,)
    assert store.content(in_store(store, data)) == BODY


def test_what_was_added_under_another_path_is_taken_out(
    store, places, cache, wheel, lock, tmp_path
):
    own = tmp_path / "stick" / "a-1-py3-none-any.whl"
    own.parent.mkdir()
    own.write_bytes(BODY)

    class Changing(type(store)):
        def add_fixed(self, files):
            own.write_bytes(b"written by the person meanwhile")
            return super().add_fixed(files)

    changing = Changing(variables=store.variables)
    with pytest.raises(WrongFile, match="changed on disk while it was put into the store"):
        fetch(lock(wheel("a", BODY)), changing, places(folder=own.parent), cache=cache, quiet=True)
    assert store.names() == []
    assert own.read_bytes() == b"written by the person meanwhile"


def test_a_cache_that_can_not_be_written_is_named(server, store, places, wheel, lock):
    artefact = wheel("a", BODY, url=f"{server.url}/a.whl")
    with pytest.raises(CacheError) as caught:
        fetch(lock(artefact), store, places(), cache=Path("/proc/nixrepro"), quiet=True)
    assert "/proc/nixrepro" in caught.value.message
    assert caught.value.code is Exit.FETCH
    assert server.asked == []


@pytest.mark.alone
def test_an_interrupt_stops_all_threads_soon(server, store, places, cache, wheel, lock):
    body = os.urandom(30_000_000)
    server.pause = 0.05
    many = []
    for number in range(4):
        server.files[f"/{number}"] = body + b"%d" % number
        many.append(wheel(f"n{number}", body + b"%d" % number, url=f"{server.url}/{number}"))
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(lock(*many), store, places(), cache=cache, quiet=True)
    assert time.monotonic() - began < 3
    assert not [path for path in left(cache) if path.endswith(".lock")]


def test_memory_does_not_grow_with_the_file(server, store, places, cache, wheel, lock):
    """A child fetches 300 MB; its peak stays far below that."""
    body = bytes(300_000_000)
    server.files["/a.whl"] = body
    artefact = wheel("a", body, url=f"{server.url}/a.whl")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        before = _peak()
        try:
            fetch(lock(artefact), store, places(), cache=cache, quiet=True)
            os.write(writer, str(_peak() - before).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    grown = int(os.read(reader, 100))
    os.close(reader)
    assert grown < 60_000, f"{grown} kB"


def _peak() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

"""One lock at a time, whole or not at all, whatever happens to the process."""

import errno
import os
import signal
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from nixrepro import config as configs
from nixrepro.config import Config, question
from nixrepro.errors import ConfigError, LockError, ResolveError
from nixrepro.lock import Lock, dumps, load
from nixrepro.locking import exclusive, update
from nixrepro.process import run

PYPROJECT = """\
[tool.nixrepro.data.table]
path = "table.csv"
sha256 = "{}"
store = true
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.format("ab" * 32))
    (tmp_path / "table.csv").touch()
    return tmp_path


def no_wait() -> None:
    raise AssertionError("nobody else is at work")


class Resolver:
    """Answers with an empty lock of one Python, and keeps what it was asked."""

    def __init__(self, python: str = "3.11.2") -> None:
        self.python = python
        self.asked: dict[str, Any] = {}

    def __call__(self, config: Config, **asked: Any) -> Lock:
        self.asked = asked
        day = asked["as_of"]
        return Lock(self.python, "2.36", question(config), (), day.isoformat() if day else "")


def lock(project: Path, resolver: Any, **how: Any) -> Any:
    asked: dict[str, Any] = {"upgrade": None, "as_of": None, "waiting": no_wait, **how}
    return update(configs.load(project), resolver=resolver, **asked)


def test_the_first_lock_is_written_with_flake_lock_and_known_to_git(project: Path) -> None:
    run(["git", "init", "-q", str(project)])
    locked = lock(project, Resolver())
    assert locked.old is None
    assert load(project / "nixrepro.lock") == locked.new
    assert "narHash" in (project / "flake.lock").read_text()
    known = run(["git", "ls-files"], cwd=project).stdout.decode().split()
    assert known == ["flake.lock", "nixrepro.lock"]


def test_the_old_lock_is_kept_from_and_left_alone_when_nothing_changed(project: Path) -> None:
    first = lock(project, Resolver()).new
    before = (project / "nixrepro.lock").stat().st_mtime_ns
    again = Resolver()
    assert lock(project, again).old == first
    assert again.asked["keep"] == first
    assert (project / "nixrepro.lock").stat().st_mtime_ns == before
    lock(project, Resolver("3.13.5"))
    assert load(project / "nixrepro.lock").python == "3.13.5"


def test_a_lock_stays_at_its_day_until_all_is_upgraded(project: Path) -> None:
    day = date(2022, 3, 1)
    lock(project, Resolver(), as_of=day)
    for upgrade, expected in ((None, day), (frozenset({"numpy"}), day), (frozenset(), None)):
        resolver = Resolver()
        lock(project, resolver, upgrade=upgrade)
        assert resolver.asked["as_of"] == expected
    assert load(project / "nixrepro.lock").as_of == ""


def test_a_failing_resolution_leaves_the_old_lock_and_writes_no_other_file(project: Path) -> None:
    before = sorted(os.listdir(project))

    def failing(config: Config, **asked: Any) -> Lock:
        raise ResolveError("can't be met")

    with pytest.raises(ResolveError):
        lock(project, failing)
    assert sorted(os.listdir(project)) == sorted([*before, ".nixrepro"])


def test_what_somebody_added_to_the_text_goes_with_the_next_lock(project: Path) -> None:
    lock(project, Resolver())
    path = project / "nixrepro.lock"
    text = path.read_text()
    path.write_text("# edited\n" + text)
    lock(project, Resolver())
    assert path.read_text() == text


def test_a_broken_lock_is_not_overwritten(project: Path) -> None:
    (project / "nixrepro.lock").write_text("broken")
    with pytest.raises(LockError):
        lock(project, Resolver())
    assert (project / "nixrepro.lock").read_text() == "broken"


def test_a_missing_data_file_stops_it_before_anything_is_resolved(project: Path) -> None:
    (project / "table.csv").unlink()
    resolver = Resolver()
    with pytest.raises(ConfigError, match="not there"):
        lock(project, resolver)
    assert resolver.asked == {}


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC])
def test_a_folder_that_takes_no_file_loses_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    lock(project, Resolver())
    before = (project / "nixrepro.lock").read_bytes()
    real = os.open

    def refusing(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if flags & os.O_EXCL:
            raise OSError(code, os.strerror(code), str(path))
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(OSError, match=os.strerror(code)):
        lock(project, Resolver("3.13.5"))
    monkeypatch.undo()
    assert (project / "nixrepro.lock").read_bytes() == before


KILLED = """
import os, signal, sys
from pathlib import Path
from nixrepro import config, locking
from nixrepro.lock import Lock

os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)

def resolver(found, *, keep, upgrade, as_of):
    return Lock("3.13.5", "2.41", config.question(found), ())

found = config.load(Path(sys.argv[1]))
locking.update(found, upgrade=None, as_of=None, waiting=print, resolver=resolver)
"""


def test_killed_in_the_middle_of_writing_it_leaves_the_old_lock_and_blocks_nobody(
    project: Path,
) -> None:
    lock(project, Resolver())
    before = (project / "nixrepro.lock").read_bytes()
    done = run([sys.executable, "-c", KILLED, str(project)])
    assert done.status == -signal.SIGKILL, done.stderr
    assert (project / "nixrepro.lock").read_bytes() == before
    assert list(project.glob(".nixrepro.lock.*.part"))
    lock(project, Resolver("3.13.5"))
    assert load(project / "nixrepro.lock").python == "3.13.5"
    assert not list(project.glob(".nixrepro.lock.*.part"))


def test_the_second_of_two_waits_says_so_and_builds_on_the_first(project: Path) -> None:
    started, go = threading.Event(), threading.Event()

    def slow(config: Config, **asked: Any) -> Lock:
        started.set()
        assert go.wait(10)
        return Resolver("3.9.2")(config, **asked)

    first = threading.Thread(target=lock, args=(project, slow))
    first.start()
    assert started.wait(10)
    second = Resolver()
    locked = lock(project, second, waiting=go.set)
    first.join()
    assert locked.old is not None
    assert second.asked["keep"].python == "3.9.2"
    assert load(project / "nixrepro.lock").python == "3.11.2"


def test_the_lock_file_is_let_go_when_what_it_guards_fails(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with pytest.raises(ValueError, match="x"), exclusive(path, no_wait):
        raise ValueError("x")
    with exclusive(path, no_wait):
        assert path.exists()


def test_the_text_of_the_lock_is_the_canonical_one(project: Path) -> None:
    locked = lock(project, Resolver())
    assert (project / "nixrepro.lock").read_text() == dumps(locked.new)

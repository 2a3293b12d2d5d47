"""Several workers share one machine: what goes together, what goes alone, what comes first."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
# Files whose tests use one thing that takes long to make, and that each worker would make anew.
TOGETHER = {
    "nix/test_relaunch.py": "own store",
    "nix/test_verify_closure.py": "own store",
    "nix/test_verify_rebuild.py": "own store",
}
# What takes longest comes first, and what is short in the end: so no worker waits long for another.
FIRST = ("train/test_cpus.py", "train/", "nix/", "unit/")
_SHARED = "shared_by_workers"


def pytest_configure(config: pytest.Config) -> None:
    text = "alone: no other test runs meanwhile, as it looks at how long something takes"
    config.addinivalue_line("markers", text)
    # A shell starts what runs in its background deaf to Ctrl-C, which all that is started inherits.
    for number, heard in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, None)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, heard or signal.SIG_DFL)
    if hasattr(config, "workerinput"):
        _own_cache(Path(config.workerinput[_SHARED]) / config.workerinput["workerid"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(_file(item.nodeid)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests go to one worker, in their order; files in the order of their places."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(_file(nodeid), _file(nodeid))

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker the folder that all of them share."""
    folder = getattr(node.config, _SHARED, "")
    if not folder:
        folder = tempfile.mkdtemp(prefix="nixrepro-tests-")
        setattr(node.config, _SHARED, folder)
        node.config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    node.workerinput[_SHARED] = folder


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if not hasattr(item.config, "workerinput"):
        return (yield)
    folder = Path(item.config.workerinput[_SHARED])
    alone = item.get_closest_marker("alone") is not None
    with _locked(folder / "tests", fcntl.LOCK_EX if alone else fcntl.LOCK_SH, folder / "gate"):
        return (yield)


@contextmanager
def _locked(file: Path, kind: int, gate: Path) -> Iterator[None]:
    """Hold a lock; who waits for it alone holds the gate, so that nobody else comes before."""
    with file.open("w") as stream:
        with gate.open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            fcntl.flock(stream, kind)
        yield


def _own_cache(folder: Path) -> None:
    """Give this worker a cache of Nix's own, since a Nix that evaluates waits for another's.

    All else in the user's cache folder stays the user's.
    """
    users = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder.mkdir()
    for name in ("nixrepro", "pip", "uv"):
        (users / name).mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(users / name)
    os.environ["XDG_CACHE_HOME"] = str(folder)


def _file(nodeid: str) -> str:
    return nodeid.split("::", 1)[0].removeprefix("tests/")


def _place(file: str) -> int:
    return next((n for n, each in enumerate(FIRST) if file.startswith(each)), len(FIRST))

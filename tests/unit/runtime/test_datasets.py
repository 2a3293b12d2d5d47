"""The supervisor looks at data by reference before it starts anything."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from nixrepro.runtime.datasets import cache, listing
from nixrepro.runtime.datasets.digesting import digest
from nixrepro.runtime.record import what_counts

from .conftest import Workshop, wait_for


class Shelf:
    """A project with a folder of data that is pinned."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.folder = workshop.project / "data" / "train"
        self.folder.mkdir(parents=True)
        for name in ("a", "b", "c"):
            (self.folder / name).write_text(name)
        self.pin = digest(bytes(self.folder)).digest
        listing.keep(str(workshop.project), digest(bytes(self.folder)))
        self.entry: dict[str, Any] = {
            "reference": True,
            "path": "data/train",
            "digest": self.pin,
            "dvc": "",
            "optional": False,
        }
        workshop.settings["data"] = {"train": self.entry}

    def said(self, *options: str, code: str = "pass", **more: Any) -> str:
        done = self.workshop.python(code, options=options, **more)
        self.status = done.returncode
        self.out = done.stdout
        return done.stderr

    @property
    def recorded(self) -> dict[str, Any]:
        (entry,) = self.workshop.newest()["layers"]["data"]
        return dict(entry)


@pytest.fixture
def shelf(workshop: Workshop) -> Shelf:
    return Shelf(workshop)


ASK = "import nixrepro_runtime as nr; print(nr.data('train'))"


def test_data_as_pinned_is_recorded_and_nothing_is_said(shelf: Shelf) -> None:
    assert "data" not in shelf.said(code=ASK).replace("nixrepro-data", "")
    assert shelf.out.strip() == str(shelf.folder)
    assert shelf.recorded == {
        "name": "train", "kind": "folder", "path": "data/train", "url": "", "pinned": True,
        "digest": shelf.pin, "pin": shelf.pin, "sha256": shelf.pin[7:], "files": 3, "size": 3,
    }  # fmt: skip
    (used,) = shelf.workshop.newest()["result"]["data"]
    assert used == {
        "name": "train", "url": "", "sha256": shelf.pin[7:], "digest": shelf.pin, "pinned": True,
    }  # fmt: skip


def test_changed_data_is_said_before_and_recorded_as_found(shelf: Shelf) -> None:
    shelf.said()
    before = shelf.workshop.newest()
    (shelf.folder / "b").write_text("other")
    (shelf.folder / "new").touch()
    (shelf.folder / "c").unlink()
    said = shelf.said(code="import sys; print('it runs', file=sys.stderr)")
    sentence = (
        "nixrepro: data 'train' is not what is pinned: 1 file changed: b; 1 file appeared: new; "
        "1 file went: c\nnixrepro: the run goes on, and its record says what it found\n"
    )
    assert sentence in said.partition("it runs\n")[0]
    assert shelf.status == 0
    found = digest(bytes(shelf.folder)).digest
    assert (shelf.recorded["digest"], shelf.recorded["pin"]) == (found, shelf.pin)
    now = shelf.workshop.newest()
    assert now["experiment"] != before["experiment"]
    counted = what_counts(now["environment"], now["layers"])
    assert counted["data"] == [["train", found[7:]]] or counted["data"] == [("train", found[7:])]


def test_a_quiet_run_says_nothing_of_it(shelf: Shelf) -> None:
    (shelf.folder / "b").write_text("other")
    assert shelf.said("--quiet") == ""
    assert shelf.recorded["digest"] != shelf.pin


def test_without_the_pinned_list_it_says_that_no_file_can_be_named(shelf: Shelf) -> None:
    Path(listing.path_of(str(shelf.workshop.project), shelf.pin)).unlink()
    (shelf.folder / "b").write_text("other")
    said = shelf.said()
    assert "which files differ can't be said: the pinned list is not kept here" in said


@pytest.mark.parametrize("how", ["option", "variable"])
def test_ci_refuses_to_start_on_other_data(shelf: Shelf, how: str) -> None:
    (shelf.folder / "b").write_text("other")
    if how == "option":
        said = shelf.said("--require-data", code="print('it runs')")
    else:
        said = shelf.said(code="print('it runs')", NIXREPRO_REQUIRE_DATA="1")
    assert (shelf.status, shelf.out) == (2, "")
    assert said == (
        "nixrepro: data 'train' is not what is pinned: 1 file changed: b: by --require-data the "
        "run starts on pinned data only\n"
    )
    assert shelf.workshop.folders() == []
    assert list(shelf.workshop.temporary.iterdir()) == []


def test_the_sandbox_is_told_of_the_store(shelf: Shelf) -> None:
    shelf.entry["path"] = "data/elsewhere"
    said = shelf.said("--sandboxed", "--no-record")
    assert shelf.status == 2
    assert "say store = true of it" in said


def test_missing_data_stops_only_who_asks_for_it(shelf: Shelf) -> None:
    shelf.entry["path"] = "data/elsewhere"
    said = shelf.said()
    where = shelf.workshop.project / "data" / "elsewhere"
    reason = (
        f"data 'train' is not at {where}: put it at data/elsewhere, or run "
        "`nixrepro data add train FOLDER` where it is"
    )
    assert f"nixrepro: {reason}\n" in said
    assert shelf.status == 0
    assert shelf.recorded["digest"] == {"unknown": "it was not there"}
    assert f"LookupError: {reason}" in shelf.said(code=ASK)
    assert shelf.status == 1


def test_optional_data_that_is_missing_is_not_mentioned(shelf: Shelf) -> None:
    shelf.entry.update(path="data/elsewhere", optional=True)
    assert "data" not in shelf.said("--require-data")
    assert shelf.status == 0


def test_a_person_says_where_it_lies_on_this_machine(shelf: Shelf, tmp_path: Path) -> None:
    shelf.folder.rename(tmp_path / "big")
    places = shelf.workshop.project / ".nixrepro" / "data" / "places"
    places.mkdir(parents=True)
    (places / "train").symlink_to(tmp_path / "big")
    shelf.said("--require-data", code=ASK)
    assert shelf.out.strip() == str(tmp_path / "big")
    assert shelf.recorded["place"] == str(tmp_path / "big")
    assert shelf.recorded["digest"] == shelf.pin


def test_a_file_by_its_sha256(shelf: Shelf) -> None:
    path = shelf.folder / "a"
    pin = digest(bytes(path)).digest
    shelf.entry.update(path="data/train/a", digest=pin)
    shelf.said("--require-data", code=ASK)
    assert shelf.out.strip() == str(path)
    assert (shelf.recorded["kind"], shelf.recorded["digest"]) == ("file", pin)
    path.write_text("other")
    now = digest(bytes(path)).digest
    assert f"it is {now[:19]} now, pinned is {pin[:19]}" in shelf.said()


def test_what_can_not_be_read_is_named(shelf: Shelf) -> None:
    os.mkfifo(shelf.folder / "pipe")
    said = shelf.said()
    reason = "pipe is a pipe, which holds no data"
    assert f"nixrepro: data 'train' can't be checked: {reason}\n" in said
    assert shelf.recorded["digest"] == {"unknown": reason}


def test_names_that_would_steer_a_terminal_are_spelled_out(shelf: Shelf) -> None:
    (shelf.folder / "x\x1b[31m").touch()
    (Path(os.fsdecode(bytes(shelf.folder) + b"/\xff"))).touch()
    assert "2 files appeared: x\\x1b[31m, \\xff" in shelf.said()


def test_outside_of_a_run_the_project_is_looked_for(shelf: Shelf) -> None:
    """As in `nix develop`, where no supervisor says where data lies."""
    settings = shelf.workshop.site.parent / "settings.json"
    shelf.said()
    (shelf.workshop.project / "nixrepro.lock").touch()
    code = f"import os; os.environ['NIXREPRO_DATA'] = {str(settings)!r}\n{ASK}"
    assert shelf.said("--no-record", code=code, cwd=shelf.folder) == ""
    assert shelf.out.strip() == str(shelf.folder)


def test_a_signal_while_data_is_read_ends_the_run(shelf: Shelf) -> None:
    with (shelf.folder / "large").open("wb") as file:
        file.truncate(1 << 40)  # no disk has it; reading it would take minutes
    # Two of them, so that processes of their own read.
    (shelf.folder / "larger").symlink_to("large")
    begun = time.monotonic()
    run = shelf.workshop.start("python", "-c", "print('it runs')")
    wait_for(lambda: f"{run.pid}" and _children(run.pid) >= 2)
    run.send_signal(signal.SIGINT)
    out, said = run.communicate(timeout=30)
    assert time.monotonic() - begun < 30
    assert (run.returncode, out) == (130, "")
    assert "it was not started: SIGINT came before" in said
    assert shelf.workshop.newest()["layers"]["data"][0]["digest"] == {
        "unknown": "a signal came while it was read"
    }


def _children(pid: int) -> int:
    found = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found += path.read_text().rpartition(")")[2].split()[1] == str(pid)
        except OSError:
            continue
    return found


def test_a_project_without_such_data_imports_nothing_of_it(workshop: Workshop) -> None:
    argv = workshop.argv("true")
    place = argv.index("-c")
    argv[place + 1] = (
        "import sys, os\n"
        "def leave(code):\n"
        "    print(sorted(n for n in sys.modules if 'datasets' in n))\n"
        "    sys.stdout.flush()\n"
        "    end(code)\n"
        "end, os._exit = os._exit, leave\n"
    ) + argv[place + 1]
    import subprocess

    done = subprocess.run(
        argv, cwd=workshop.project, env=workshop.variables(), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_what_was_read_once_is_not_read_again(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.said()
    path = cache.file(str(shelf.workshop.project), bytes(shelf.folder), "sha256:")
    assert len(cache.load(path, 32)) == 1
    assert json.loads(json.dumps(shelf.recorded))["files"] == 3


def test_in_a_project_of_dvc_its_files_are_recorded(shelf: Shelf) -> None:
    shelf.said()
    before = shelf.workshop.newest()["experiment"]
    (shelf.workshop.project / ".dvc").mkdir()
    file = shelf.workshop.project / "data" / "raw.dvc"
    file.write_text(f"outs:\n- md5: {'0' * 32}\n  size: 3\n  hash: md5\n  path: raw\n")
    shelf.said()
    pinned, tracked = shelf.workshop.newest()["layers"]["data"]
    assert pinned["name"] == "train"
    assert (tracked["name"], tracked["dvc"], tracked["copy"]) == (
        "data/raw",
        "data/raw.dvc",
        "absent",
    )
    assert (tracked["digest"], tracked["pinned"]) == (f"md5:{'0' * 32}", False)
    assert shelf.workshop.newest()["experiment"] == before
    del shelf.workshop.settings["data"]["train"]
    shelf.said()
    assert shelf.workshop.newest()["layers"]["data"] == [tracked]

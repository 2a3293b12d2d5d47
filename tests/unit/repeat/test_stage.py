"""A run repeated from its record: the same experiment, and nothing of the project is touched."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nixrepro import record
from nixrepro.errors import RunError
from nixrepro.record import Record
from nixrepro.record_text import lines
from nixrepro.repeat import place

from ..lab import PROGRAM, Lab, furnish


def snapshot(folder: Path) -> dict[str, str]:
    """Every file below a folder but for records and the repetitions' lock."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and "/.nixrepro/" not in f"/{name}":
            about = path.stat()
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            # Git notes the time at objects that it was about to write and has.
            time_of = 0 if "/objects/" in name else about.st_mtime_ns
            found[name] = f"{sha256} {time_of} {about.st_mode}"
    return found


def same(lab: Lab, run: Record) -> Record:
    """Repeat a run, and see that it was repeated rightly."""
    before = snapshot(lab.top)
    again = lab.repeat(run)
    assert again.document["experiment"] == run.document["experiment"]
    assert again.document["layers"]["code"] == run.document["layers"]["code"]
    assert again.document["fingerprint"] == run.document["fingerprint"]
    assert lab.log(again) == lab.log(run)
    assert snapshot(lab.top) == before
    assert lab.left() == []
    return again


def test_a_committed_run(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    lab.write("train.py", "raise SystemExit('of today')")
    lab.commit()
    again = same(lab, run)
    assert again.document["repeats"] == run.document["id"]
    assert again.document["status"] == "done"
    assert any(f"repeats {run.document['id'][:12]}" in line for line in lines(again.document))
    assert again.folder.parent == run.folder.parent
    assert again.document["id"] in (again.folder.parent / "index.jsonl").read_text()
    assert record.load(lab.root, again.document["id"][:12]).document == again.document
    assert [line.id for line in record.runs(lab.root)] == [
        again.document["id"],
        run.document["id"],
    ]


def test_all_kinds_of_changes_that_were_not_committed(lab: Lab) -> None:
    lab.write("gone.txt", "gone")
    lab.write("tool.sh", "#!/bin/sh\n")
    lab.write("staged.txt", "old")
    lab.commit()
    lab.write(
        "train.py",
        "import os\nprint(sorted(os.listdir('.')), os.access('tool.sh', 1), os.readlink('link'))\n"
        "print(open('new.bin', 'rb').read(), open('staged.txt').read())\n",
    )
    (lab.root / "gone.txt").unlink()
    (lab.root / "tool.sh").chmod(0o755)
    lab.write("new.bin", bytes(range(256)))
    lab.write("staged.txt", "new")
    lab.git("add", "staged.txt")
    lab.write("ignored.log", "known to git all the same")
    lab.git("add", "--force", "ignored.log")
    (lab.root / "link").symlink_to("new.bin")
    run = lab.run()
    assert run.document["layers"]["code"]["dirty"]
    lab.git("reset", "--quiet", "--hard")
    (lab.root / "new.bin").unlink()
    (lab.root / "link").unlink()
    again = same(lab, run)
    assert "True" in lab.log(again) and "'gone.txt'" not in lab.log(again)


def test_before_the_first_commit(lab: Lab) -> None:
    same(lab, lab.run())


def test_a_project_in_a_folder_of_its_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path, "models/a")
    furnish(lab, monkeypatch)
    (lab.top / "shared.txt").write_text("shared")
    lab.write("deep/er/x.py", "print(open('../../../../shared.txt').read())")
    lab.commit()
    (lab.top / "shared.txt").write_text("changed")
    run = lab.run("python", "x.py", folder="deep/er")
    (lab.top / "shared.txt").write_text("of today")
    assert "changed" in lab.log(same(lab, run))
    above = lab.run("python", "models/a/train.py", folder="../..")
    assert above.document["layers"]["settings"]["folder"] == "../.."
    lab.repeat(above)
    outside = lab.run("true", folder="../../..")
    with pytest.raises(RunError, match=r"outside of its repository"):
        lab.repeat(outside)


def test_a_commit_that_no_branch_has(lab: Lab) -> None:
    lab.commit()
    lab.write("train.py", "print('amended away')")
    lost = lab.commit()
    run = lab.run()
    lab.git("reset", "--quiet", "--hard", "HEAD~1")
    assert lab.git("branch", "--contains", lost) == ""
    same(lab, run)
    lab.git("reflog", "expire", "--expire=now", "--all")
    lab.git("gc", "--quiet", "--prune=now")
    with pytest.raises(RunError, match=f"commit {lost}, which run .* is not in the repo") as error:
        lab.repeat(run)
    assert f"git fetch REMOTE {lost}" in error.value.hint
    assert lab.left() == []


def test_a_large_file_that_git_does_not_have(lab: Lab) -> None:
    lab.commit()
    path = lab.write("my data.bin", b"x" * 5_000_001)
    run = lab.run("python", "-c", "import os; print(os.stat('my data.bin').st_size)")
    assert run.document["layers"]["code"]["large"][0]["path"] == "my data.bin"
    same(lab, run)
    path.write_bytes(b"y" * 5_000_001)
    with pytest.raises(RunError, match=r"file my data.bin, which is another one now"):
        lab.repeat(run)
    path.unlink()
    with pytest.raises(RunError, match=r"file my data.bin, which is gone"):
        lab.repeat(run)


def test_more_small_files_than_a_patch_takes(lab: Lab) -> None:
    lab.commit()
    for number in range(11):
        lab.write(f"{number:02}.bin", bytes([number]) * 4_900_000)
    run = lab.run()
    (large,) = run.document["layers"]["code"]["large"]
    assert large["path"] == "10.bin"
    same(lab, run)


def test_a_large_file_that_was_staged(lab: Lab) -> None:
    lab.commit()
    lab.write("staged.bin", b"x" * 5_000_001)
    lab.git("add", "staged.bin")
    run = lab.run()
    assert run.document["layers"]["code"]["large"] == []
    same(lab, run)


def test_a_path_out_of_the_repository_is_not_read(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    secret = lab.top.parent / "secret"
    secret.write_text("x")
    sha256 = hashlib.sha256(b"x").hexdigest()
    for path in ("../secret", str(secret)):
        run.document["layers"]["code"]["large"] = [{"path": path, "size": 1, "sha256": sha256}]
        with pytest.raises(RunError, match=r"outside of the repository"):
            lab.repeat(run)


@pytest.mark.parametrize("key", ["commit", "tree"])
def test_a_name_that_git_would_take_for_an_option(lab: Lab, key: str) -> None:
    lab.commit()
    run = lab.run()
    run.document["layers"]["code"][key] = "--orphan=x"
    with pytest.raises(RunError, match="does not say what code ran"):
        lab.repeat(run)


def test_a_project_in_a_linked_work_tree(lab: Lab, tmp_path: Path) -> None:
    lab.commit()
    lab.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    lab.root = lab.top = tmp_path / "linked"
    lab.write("train.py", PROGRAM + "# in the linked one")
    same(lab, lab.run())


PROGRAM_OF_PARTS = (
    "print(open('vendored/lib/part.txt').read(), open('vendored/lib/inner/deep.txt').read())"
)


def with_submodule(lab: Lab, folder: Path) -> Lab:
    """The project with a submodule, which has one of its own."""
    inner, outer = Lab(folder / "inner"), Lab(folder / "outer")
    inner.write("deep.txt", "deep")
    inner.commit()
    outer.write("part.txt", "part")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name")
    outer.git(*add, "in", str(inner.top), "inner")
    outer.commit()
    lab.git(*add, "some name", str(outer.top), "vendored/lib")
    update = ("submodule", "--quiet", "update", "--init", "--recursive")
    lab.git("-c", "protocol.file.allow=always", *update)
    lab.write("train.py", PROGRAM_OF_PARTS)
    lab.commit()
    return outer


def test_submodules_at_their_commits(lab: Lab, tmp_path: Path) -> None:
    outer = with_submodule(lab, tmp_path)
    run = lab.run()
    assert lab.log(run) == "part deep\n"
    # Of today it is another commit, and then it is not checked out at all.
    outer.write("part.txt", "of today")
    outer.commit()
    update = ("submodule", "--quiet", "update", "--remote", "vendored/lib")
    lab.git("-c", "protocol.file.allow=always", *update)
    lab.commit()
    again = lab.repeat(run)
    assert lab.log(again) == "part deep\n"
    assert again.document["experiment"] == run.document["experiment"]
    lab.git("submodule", "--quiet", "deinit", "--all", "--force")
    assert lab.log(lab.repeat(run)) == "part deep\n"
    shutil.rmtree(lab.top / ".git" / "modules")
    with pytest.raises(
        RunError, match=r"of the submodule vendored/lib, .* is not in this"
    ) as error:
        lab.repeat(run)
    assert "git submodule update --init vendored/lib" in error.value.hint
    assert lab.left() == []


def test_a_submodule_at_a_commit_that_was_not_committed_above(lab: Lab, tmp_path: Path) -> None:
    with_submodule(lab, tmp_path)
    own = lab.root / "vendored" / "lib"
    (own / "part.txt").write_text("newer")
    lab.git("add", "--all", cwd=own)
    lab.git("commit", "--quiet", "--message", "newer", cwd=own)
    run = lab.run()
    assert lab.log(run) == "newer deep\n"
    lab.git("submodule", "--quiet", "update", "--no-fetch", "vendored/lib")
    assert lab.log(lab.repeat(run)) == "newer deep\n"


def test_changes_in_submodules_that_were_not_committed(lab: Lab, tmp_path: Path) -> None:
    with_submodule(lab, tmp_path)
    own = lab.root / "vendored" / "lib"
    (own / "part.txt").write_text("changed")
    (own / "inner" / "deep.txt").write_text("deeper")
    (own / "new.txt").write_text("new")
    run = lab.run("python", "-c", f"{PROGRAM_OF_PARTS}; print(open('vendored/lib/new.txt').read())")
    assert lab.log(run) == "changed deeper\nnew\n"
    lab.git("submodule", "--quiet", "foreach", "--recursive", "git reset --quiet --hard")
    (own / "new.txt").unlink()
    again = lab.repeat(run)
    assert lab.log(again) == "changed deeper\nnew\n"
    assert again.document["experiment"] == run.document["experiment"]
    next(run.folder.glob("code.patch.*")).unlink()
    with pytest.raises(RunError, match=r"code.patch.\d is gone"):
        lab.repeat(run)


def test_a_submodule_in_an_old_record(lab: Lab, tmp_path: Path) -> None:
    with_submodule(lab, tmp_path)
    clean = lab.run()
    clean.document["layers"]["code"].pop("submodules", None)
    assert lab.log(lab.repeat(clean)) == "part deep\n"
    lab.write("new.txt", "not committed")
    run = lab.run()
    run.document["layers"]["code"].pop("submodules", None)
    with pytest.raises(RunError, match=r"the submodule vendored/lib, and its record does not say"):
        lab.repeat(run)


def test_a_submodule_beyond_a_link_is_not_made(lab: Lab, tmp_path: Path) -> None:
    """A tree that no git wrote: two entries of one name, of which a submodule brings a link."""
    victim = tmp_path / "victim"
    victim.mkdir()
    lab.git("symbolic-ref", "HEAD", "refs/heads/link")
    (lab.root / "b").symlink_to(victim)
    linking = lab.commit()
    (lab.root / "b").unlink()
    lab.commit()
    run = lab.run()

    def tree(*entries: str) -> str:
        done = subprocess.run(
            ["git", "mktree", "--missing"],
            input="".join(f"{entry}\n" for entry in entries),
            cwd=lab.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    inner = tree(f"160000 commit {linking}\tb")
    crafted = tree(f"160000 commit {linking}\ta", f"040000 tree {inner}\ta")
    commit = lab.git("commit-tree", crafted, "-m", "crafted")
    run.document["layers"]["code"] |= {"commit": commit, "tree": crafted}
    with pytest.raises(RunError, match=r"the submodule a/b of run .* lies outside"):
        lab.repeat(run)
    assert list(victim.iterdir()) == []


def test_what_ran_outside_of_git_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = Lab(tmp_path)
    furnish(lab, monkeypatch)
    (lab.top / ".git").rename(tmp_path / "away")
    run = lab.run()
    with pytest.raises(RunError, match=r"code of run .* is not known: the project's folder is in"):
        lab.repeat(run)


def test_another_lock_is_missed(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    run.document["environment"]["lock"] = "5" * 64
    with pytest.raises(RunError, match=r"nixrepro.lock in the recorded tree is not the one"):
        lab.repeat(run)


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_a_patch_that_is_not_the_recorded_one(lab: Lab, damage: str) -> None:
    lab.commit()
    lab.write("train.py", "print(1)")
    run = lab.run()
    patch = run.folder / "code.patch"
    if damage == "gone":
        patch.unlink()
    else:
        patch.write_bytes(patch.read_bytes().replace(b"print(1)", b"print(2)"))
    with pytest.raises(RunError, match=r"code.patch is (gone|not the one that was recorded)"):
        lab.repeat(run)


def test_settings_of_the_record_and_not_of_today(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.commit()
    lab.settings["seed"] = 7
    lab.settings["variables"]["MINE"] = "then"
    monkeypatch.setenv("TOKEN", "one")
    run = lab.run(
        "python", "-c", "import os; print(os.environ['NIXREPRO_SEED'], os.environ['MINE'])"
    )
    assert lab.log(run) == "7 then\n"
    lab.settings.update(seed=8, variables={}, **{"pass": ["TOKEN", "OTHER"]})
    monkeypatch.setenv("OTHER", "of today")
    lab.run("true")  # writes the settings of today
    same(lab, run)
    assert not any("TOKEN" in line for line in lab.said)
    for value in ("another", None):
        monkeypatch.delenv("TOKEN")
        if value:
            monkeypatch.setenv("TOKEN", value)
        again = lab.repeat(run)
        assert again.document["experiment"] != run.document["experiment"]
        assert any(line.startswith("nixrepro: TOKEN is not what it was") for line in lab.said)
        monkeypatch.setenv("TOKEN", "one")
        lab.said.clear()


def test_a_whole_path_in_the_command_is_told(lab: Lab) -> None:
    lab.commit()
    lab.repeat(lab.run("python", str(lab.root / "train.py")))
    assert any(line.startswith(f"nixrepro: {lab.root / 'train.py'} in the") for line in lab.said)


def test_a_program_that_fails_is_recorded(lab: Lab) -> None:
    lab.commit()
    again = lab.repeat(lab.run("python", "-c", "raise SystemExit(3)"))
    assert (again.document["status"], again.document["exit"]["status"]) == ("failed", 3)


def test_an_environment_of_before_fingerprints(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    (runtime,) = Path(lab.environment.path).glob("lib/*/site-packages/nixrepro_runtime")
    target = runtime.readlink()
    runtime.unlink()
    shutil.copytree(target, runtime)
    launch = runtime / "launch.py"
    launch.write_text(launch.read_text().replace("--fingerprint", "--not-yet"))
    again = lab.repeat(run, steps=1)
    assert again.document["status"] == "done"
    assert any("knows no --fingerprint" in line for line in lab.said)


WAITS = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(60)"


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_one_that_is_interrupted_leaves_nothing(
    lab: Lab, number: signal.Signals, error: type[BaseException]
) -> None:
    lab.commit()
    begun = lab.root / ".nixrepro" / "repeats"

    def interrupt() -> None:
        end = time.monotonic() + 30
        while not list(begun.glob("*/tree/begun")) and time.monotonic() < end:
            time.sleep(0.02)
        if list(begun.glob("*/tree/begun")):  # else it would end these tests
            os.kill(os.getpid(), number)

    run = lab.run("python", "-c", "print(1)")
    run.document["layers"]["settings"]["command"] = ["python", "-c", WAITS]
    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(error):
        lab.repeat(run)
    thread.join()
    assert lab.left() == []
    assert [line.id for line in record.runs(lab.root)] == [run.document["id"]]


def test_what_a_killed_one_left_goes_and_what_is_in_use_stays(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    code = (
        "import os, sys, pathlib; from nixrepro.repeat.place import folder\n"
        "with folder(pathlib.Path(sys.argv[1]), 'killed') as made:\n"
        "    (made / 'tree').mkdir(); (made / 'tree' / 'x').touch(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(lab.root)], check=False)
    (killed,) = lab.left()
    assert killed.startswith("killed-")
    with place.folder(lab.root, "used") as used:
        assert lab.left() == [used.name]
        lab.repeat(run)
        assert lab.left() == [used.name]
    assert lab.left() == []


def test_one_whose_program_still_runs_stays(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    orphan = lab.root / ".nixrepro" / "repeats" / "orphan-1"
    (orphan / "tree" / ".nixrepro" / "runs").mkdir(parents=True)
    run.folder.rename(orphan / "tree" / ".nixrepro" / "runs" / run.folder.name)
    path = orphan / "tree" / ".nixrepro" / "runs" / run.folder.name / "record.json"
    from nixrepro.canonical import json_bytes
    from nixrepro.runtime.record import process

    path.write_bytes(json_bytes({**run.document, "status": "running", "process": process()}))
    with place.folder(lab.root, "next"):
        assert orphan.exists()
    path.write_bytes(json_bytes({**run.document, "status": "running"}))
    with place.folder(lab.root, "next"):
        assert not orphan.exists()


def test_two_at_a_time(lab: Lab) -> None:
    lab.commit()
    run = lab.run()
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=lab.repeat, args=(run,)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [each.exitcode for each in both] == [0, 0]
    assert len(record.runs(lab.root)) == 3
    assert lab.left() == []


def test_a_run_that_is_committed_with_its_code(lab: Lab) -> None:
    lab.write(".gitignore", "")
    lab.commit()
    first = lab.run("python", "-c", "import nixrepro_runtime as n; n.log(a=1)")
    lab.commit()
    run = lab.run("python", "-c", "import nixrepro_runtime as n; n.log(a=2)")
    again = lab.repeat(run)
    assert again.document["result"]["final"] == {"a": 2}
    assert again.document["id"] not in (first.document["id"], run.document["id"])


def test_removing_changes_nothing_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    outside.chmod(0o750)
    left = tmp_path / "left"
    left.mkdir()
    (left / "link").symlink_to(outside)
    genuine, failed = os.unlink, []

    def unlink(name: str, **more: Any) -> None:
        if not failed:  # as in a read-only folder, for who is not root
            failed.append(name)
            raise PermissionError(13, "Permission denied", name)
        genuine(name, **more)

    monkeypatch.setattr(os, "unlink", unlink)
    place.remove(left)
    assert failed and outside.stat().st_mode & 0o777 == 0o750
    assert not left.exists()


def test_one_that_is_just_being_removed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    other = lab.root / ".nixrepro" / "repeats" / "other-1"
    other.mkdir(parents=True)

    def gone(*_: object) -> Iterator[Path]:
        raise FileNotFoundError(2, "No such file or directory", "tree")
        yield

    monkeypatch.setattr(Path, "glob", gone)
    with place.folder(lab.root, "next") as made:
        assert made.is_dir()


@pytest.mark.parametrize("path", ["out/x", ".git/x"])
def test_a_large_file_is_written_into_the_tree_alone(lab: Lab, path: str) -> None:
    outside = lab.top.parent / "outside"
    outside.mkdir()
    (lab.root / "out").symlink_to(outside)
    lab.commit()
    run = lab.run()
    lab.write(path, "x")
    sha256 = hashlib.sha256(b"x").hexdigest()
    run.document["layers"]["code"]["large"] = [{"path": path, "size": 1, "sha256": sha256}]
    with pytest.raises(RunError, match=r"outside of the repository"):
        lab.repeat(run)


def test_from_a_hook_that_keeps_new_objects_aside(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.commit()
    lab.write("train.py", "print(5)")
    run = lab.run()
    aside = tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(aside))
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(lab.top / ".git" / "objects"))
    lab.repeat(run)
    assert list(aside.iterdir()) == []

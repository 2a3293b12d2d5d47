"""Data by reference and data of the store, in a project of Git, with a real Nix."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import Done, call, checked
from .session import Own, one_error

READ = (
    "import os, nixrepro_runtime as nr\n"
    "sizes = [sum(len(open(os.path.join(at, f), 'rb').read()) for at, _, fs in os.walk(nr.data(n)) "
    "for f in fs) for n in ('train', 'kept')]\n"
    "nr.log(train=sizes[0], kept=sizes[1])\n"
    "print(nr.data('train'), nr.data('kept'))\n"
)


class Story(Own):
    """A project in Git with a folder of data that Git ignores."""

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@mail.example")
        return checked(["git", *who, *words], self.root)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "so far")

    def record(self) -> dict[str, Any]:
        newest = max(
            (json.loads(path.read_text()) for path in self.records()), key=lambda r: r["started"]
        )
        return dict(newest)

    def data(self, name: str) -> dict[str, Any]:
        return next(e for e in self.record()["layers"]["data"] if e["name"] == name)

    def good(self, *words: str, **more: str) -> Done:
        done = self(*words, **more)
        assert done.status == 0, done.err
        return done


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    made = Story.copied(tmp_path_factory.mktemp("data") / "project")
    assert isinstance(made, Story)
    checked(["git", "init", "--quiet"], made.root)
    (made.root / ".gitignore").write_text(".nixrepro/\n/data/\n")
    for name in ("train", "kept"):
        folder = made.root / "data" / name / "sub"
        folder.mkdir(parents=True)
        (folder / "a").write_text(f"{name}\n")
        (folder / "b").write_text("b\n")
    (made.root / "read.py").write_text(READ)
    text = (made.root / "pyproject.toml").read_text()
    text = text.replace(
        'command = ["python", "train/digits.py"]', 'command = ["python", "read.py"]'
    )
    (made.root / "pyproject.toml").write_text(text)
    made.good("data", "add", "train", "data/train", cwd=made.root)
    made.good("data", "add", "kept", "data/kept", "--store", cwd=made.root)
    made.good("lock")
    made.commit()
    return made


def test_a_run_reads_both_and_records_what_it_found(story: Story) -> None:
    done = story.good("train", "--require-data")
    where, kept = done.out.split()
    assert where == str(story.root / "data" / "train")
    assert kept.startswith("/nix/store/")
    assert kept.endswith("-kept")
    assert not Path(kept, "sub").stat().st_mode & 0o222
    train = story.data("train")
    assert (train["digest"], train["files"], train["kind"]) == (train["pin"], 2, "folder")
    stored = story.data("kept")
    assert (stored["path"], stored["digest"].partition(":")[0]) == (kept, "merkle")
    assert story.record()["result"]["final"] == {"train": 8, "kept": 7}


def test_changed_data_is_said_named_by_diff_and_kept_from_repetitions(story: Story) -> None:
    story.good("train")
    first = story.record()["id"]
    (story.root / "data" / "train" / "sub" / "b").write_text("other\n")
    (story.root / "data" / "train" / "new").write_text("new\n")
    done = story.good("train")
    assert "1 file changed: sub/b; 1 file appeared: new" in done.err
    second = story.record()["id"]
    shown = story("diff", first, second)
    assert shown.status == 1
    assert "~sub/b" in shown.out
    assert "+new" in shown.out
    (change,) = json.loads(story("diff", first, second, "--json").out)["layers"]["data"]["changes"]
    assert (change["subject"], change["detail"]) == ("train", ["~sub/b", "+new"])

    found = story.data("train")["digest"]
    story.good("repeat", second)
    assert (story.record()["repeats"], story.data("train")["digest"]) == (second, found)
    refused = story("repeat", first)
    assert refused.status != 0
    assert "data 'train' is not what the run had: 1 file changed: sub/b" in one_error(refused.err)
    count = len(story.records())
    (story.root / "data" / "train" / "sub" / "b").write_text("b\n")
    (story.root / "data" / "train" / "new").unlink()
    story.good("repeat", first)
    assert len(story.records()) == count + 1
    assert story.record()["result"]["final"] == {"train": 8, "kept": 7}


def test_the_training_derivation_needs_it_in_the_store(story: Story) -> None:
    done = call(["nix", "build", "--offline", "--no-link", f"git+file://{story.root}#run"])
    assert done.status != 0
    assert "say store = true of it" in done.err
    text = (story.root / "pyproject.toml").read_text()
    try:
        story.good("data", "add", "train", "data/train", "--store", cwd=story.root)
        story.good("lock")
        story.good("fetch")
        argv = ["nix", "build", "--offline", "--no-link", "--json", f"git+file://{story.root}#run"]
        built = Path(json.loads(checked(argv))[0]["outputs"]["out"])
        outcome = json.loads((built / "outcome.json").read_text())
        assert outcome["status"] == "done"
    finally:
        (story.root / "pyproject.toml").write_text(text)
        story.git("checkout", "--quiet", "nixrepro.lock")


def test_nix_itself_finds_the_lock_to_answer(story: Story) -> None:
    reference = f"git+file://{story.root}#checks.x86_64-linux.lock"
    done = call(["nix", "build", "--offline", "--no-link", reference])
    assert done.status == 0, done.err


def test_a_folder_that_is_another_one_does_not_reach_the_store(story: Story) -> None:
    kept = story.root / "data" / "kept" / "sub" / "b"
    stored = story.data("kept")["path"]
    for link in (story.root / ".nixrepro" / "roots").iterdir():
        link.unlink()
    kept.write_text("another\n")
    try:
        assert call(["nix-store", "--delete", *_holders(stored)]).status == 0
        done = story("fetch")
        assert done.status == 6
        assert "the folder kept is not what the lock names" in one_error(done.err)
        assert not os.path.exists(stored)
    finally:
        kept.write_text("b\n")
    story.good("fetch")
    assert os.path.exists(stored)


def _holders(path: str) -> list[str]:
    return checked(["nix-store", "--query", "--referrers-closure", path]).split()

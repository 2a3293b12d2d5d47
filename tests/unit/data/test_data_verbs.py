"""`nixrepro data`: a person pins data, sees what of it changed, and says where it lies."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nixrepro import config
from nixrepro.cli import verbs
from nixrepro.data import pinning
from nixrepro.errors import Exit, NixreproError
from nixrepro.lock import Lock, save
from nixrepro.nix import Nix
from nixrepro.resolve.data import resolve_data

START = '# mine\n[project]\nname = "x"\n\n[tool.nixrepro]\n'


class Desk:
    """A project, and the verb in it."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.file = root / "pyproject.toml"
        self.file.write_text(START)
        monkeypatch.chdir(root)
        self.train = root / "data" / "train"
        self.train.mkdir(parents=True)
        for name in ("a", "b", "c"):
            (self.train / name).write_text(name)

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(
            verbs, ["-C", str(self.root), "data", *words], standalone_mode=False
        )

    def said(self, *words: str) -> str:
        done = self.call(*words)
        if done.exception:
            raise done.exception
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json"))

    def refused(self, *words: str) -> str:
        with pytest.raises(NixreproError) as caught:
            self.said(*words)
        return caught.value.said

    @property
    def data(self) -> dict[str, config.Data]:
        return {data.name: data for data in config.load(self.root).data}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setattr(Nix, "valid", lambda self, paths: set())
    return Desk(root, monkeypatch)


def test_a_folder_is_pinned_where_it_lies(desk: Desk) -> None:
    done = desk.call("add", "train", "data/train")
    assert done.stdout.startswith("train: merkle:")
    assert done.stdout.endswith(" (3 files, 3 B, by reference)\n")
    assert done.stderr == "pyproject.toml: written\n"
    pin = desk.data["train"].digest
    assert desk.file.read_text() == (
        START + f'\n[tool.nixrepro.data.train]\npath = "data/train"\ndigest = "{pin}"\n'
    )
    assert desk.data["train"].reference
    assert desk.call("add", "train").stderr == "pyproject.toml: says so already\n"
    assert (desk.root / ".nixrepro" / "data" / f"{pin[7:]}.list").exists()


def test_a_file_is_pinned_as_sha256sum_says(desk: Desk) -> None:
    desk.said("add", "one", "data/train/a", "--optional")
    sha256 = hashlib.sha256(b"a").hexdigest()
    assert f'digest = "sha256:{sha256}"\noptional = true\n' in desk.file.read_text()
    data = desk.data["one"]
    assert (data.sha256, data.pin, data.optional) == (sha256, f"sha256:{sha256}", True)


def test_what_changed_is_named(desk: Desk) -> None:
    desk.said("add", "train", "data/train")
    assert desk.call("verify").return_value == Exit.OK
    (desk.train / "b").write_text("other")
    (desk.train / "c").unlink()
    (desk.train / "new").touch()
    done = desk.call("verify", "train")
    assert done.stdout == (
        "train: changed: of 3 files 1 changed, 1 appeared, 1 went\n  ~ b\n  + new\n  - c\n"
    )
    assert desk.call("verify").return_value == 1
    (entry,) = desk.json("verify")["data"]
    assert (entry["changed"], entry["appeared"], entry["gone"]) == (["b"], ["new"], ["c"])
    assert (entry["state"], entry["files"], entry["pin"]) == ("changed", 3, desk.data["train"].pin)
    assert entry["digest"] != entry["pin"]


def test_of_many_names_the_first_and_their_number(desk: Desk) -> None:
    desk.said("add", "train", "data/train")
    for number in range(30):
        (desk.train / f"n{number:02}").touch()
    lines = desk.said("verify").splitlines()
    assert lines[1] == "  + n00"
    assert lines[-1] == "  and 10 more (--json has all)"
    assert len(desk.json("verify")["data"][0]["appeared"]) == 30


def test_a_change_that_leaves_size_and_times_shows_with_full(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nixrepro.runtime.datasets import cache

    monkeypatch.setattr(cache, "RESOLUTION", -3_600_000_000_000)
    desk.said("add", "train", "data/train")
    assert desk.json("verify")["data"][0]["read"] == 0
    assert desk.json("verify", "--full")["data"][0]["read"] == 3


def test_another_digest_is_pinned_only_on_purpose(desk: Desk) -> None:
    desk.said("add", "train", "data/train")
    old = desk.data["train"].pin
    (desk.train / "b").write_text("other")
    assert "--update pins what is there now" in desk.refused("add", "train", "data/train")
    assert desk.data["train"].pin == old
    desk.said("add", "train", "--update")
    assert desk.data["train"].pin != old
    assert desk.call("verify").return_value == Exit.OK


def test_data_elsewhere_is_committed_by_its_digest_alone(desk: Desk, tmp_path: Path) -> None:
    big = tmp_path / "big"
    desk.train.rename(big)
    done = desk.call("add", "train", "../big")
    assert f"on this machine it lies at {big}" in done.stderr
    assert str(tmp_path) not in desk.file.read_text()
    assert desk.data["train"].path == ""
    link = desk.root / ".nixrepro" / "data" / "places" / "train"
    assert os.readlink(link) == str(big)
    assert desk.call("verify").return_value == Exit.OK
    # Another machine has it in another place.
    other = tmp_path / "other"
    big.rename(other)
    done = desk.call("verify")
    assert (done.return_value, done.stdout.partition(":")[0]) == (1, "train")
    assert "not there" in done.stdout
    assert desk.call("add", "train", str(other)).stderr.startswith("pyproject.toml: says so")
    assert desk.call("verify").return_value == Exit.OK
    (other / "x").touch()
    assert "--update" in desk.refused("add", "train", str(other))


def test_pinned_in_the_project_and_elsewhere_on_this_machine(desk: Desk, tmp_path: Path) -> None:
    desk.said("add", "train", "data/train")
    text = desk.file.read_text()
    desk.train.rename(tmp_path / "big")
    desk.said("add", "train", str(tmp_path / "big"))
    assert desk.file.read_text() == text
    assert desk.json("list")["data"][0]["place"] == str(tmp_path / "big")


def test_for_the_store_the_lock_has_to_answer(desk: Desk) -> None:
    done = desk.call("add", "one", "data/train/a", "--store")
    assert "run `nixrepro lock`" in done.stderr
    assert desk.data["one"].store
    assert "nixrepro.lock" in desk.said("verify")
    got = config.load(desk.root)
    lock = Lock("3.11.2", "2.36", config.question(got), resolve_data(got, None))
    save(desk.root / "nixrepro.lock", lock)
    assert "it is not in the store: run `nixrepro fetch`" in desk.said("verify")
    (entry,) = desk.json("list")["data"]
    assert (entry["kept"], entry["state"]) == ("store", "absent")
    assert entry["place"].endswith("-a")


def test_a_url_gives_a_file_of_the_store(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[tuple[str, bytes]] = []

    def add_fixed(self: Nix, files: list[Path]) -> list[str]:
        added.extend((file.name, file.read_bytes()) for file in files)
        return ["x"]

    monkeypatch.setattr(Nix, "add_fixed", add_fixed)
    url = (desk.train / "a").as_uri()
    desk.said("add", "a", url)
    data = desk.data["a"]
    assert (data.url, data.sha256, data.reference) == (url, hashlib.sha256(b"a").hexdigest(), False)
    assert added == [("a", b"a")]


@pytest.mark.parametrize(
    ("words", "piece"),
    [
        (("x", "nowhere"), "there is no"),
        (("x",), "say where data 'x' is"),
        (("x/y", "data/train"), "no plain name"),
        (("x", "."), "has the project itself in it"),
        (("x", ".."), "has the project itself in it"),
        (("x", "../other", "--store"), "lies outside of the project"),
        (("x", ".nixrepro"), "is no path"),
    ],
)
def test_what_can_not_be_pinned(desk: Desk, words: tuple[str, ...], piece: str) -> None:
    (desk.root.parent / "other").mkdir()
    (desk.root / ".nixrepro").mkdir()
    assert piece in desk.refused("add", *words) or piece == "is no path"
    assert desk.file.read_text() == START


def test_git_is_to_know_of_it_or_to_ignore_it(desk: Desk) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=desk.root, check=True)
    said = desk.call("add", "train", "data/train").stderr
    assert "write /data/train into .gitignore" in said
    (desk.root / ".gitignore").write_text("/data/train\n")
    assert "Git" not in desk.call("add", "train").stderr


def test_an_unknown_name_is_refused(desk: Desk) -> None:
    desk.said("add", "train", "data/train")
    assert "did you mean 'train'?" in desk.refused("verify", "tarin")


def test_a_list_reads_nothing(desk: Desk) -> None:
    assert desk.call("list").stderr.startswith("the project declares no data")
    desk.said("add", "train", "data/train")
    os.mkfifo(desk.train / "pipe")
    head, row = desk.said("list").splitlines()
    assert head.split() == ["name", "kept", "there", "digest", "place"]
    assert row.split()[:3] == ["train", "reference", "yes"]
    assert row.split()[-1] == "data/train"


def test_help_ends_with_examples(desk: Desk) -> None:
    assert "Examples:" in CliRunner().invoke(verbs, ["data", "--help"]).stdout
    for verb in ("add", "verify", "list"):
        text = CliRunner().invoke(verbs, ["data", verb, "--help"]).stdout
        assert f"nixrepro data {verb}" in text.partition("Examples:")[2]
        assert all(len(line) <= 80 for line in text.splitlines())


def test_what_a_dvc_file_does_not_pin_is_said(desk: Desk) -> None:
    told = "outs:\n- md5: {}\n  size: 1\n  hash: md5\n  path: a\n"
    file = desk.train / "a.dvc"
    md5 = hashlib.md5(b"a", usedforsecurity=False).hexdigest()
    file.write_text(told.format(md5))
    done = desk.call("add", "one", "data/train/a.dvc")
    assert done.stderr == "pyproject.toml: written\n"
    file.write_text(told.format("0" * 32))
    done = desk.call("add", "one")
    assert f"data/train/a.dvc pins md5:{'0' * 32}, and here is md5:{md5}" in done.stderr
    assert desk.said("verify").startswith("one: changed: it is md5:")
    (desk.train / "a").unlink()
    assert desk.said("verify").startswith(f"one: not there: it is not at {desk.train}/a: run `dvc ")
    file.write_text("outs: []\n")
    assert desk.said("verify").startswith("one: unknown: data/train/a.dvc names 0 outs")


def test_a_url_with_a_password_is_remarked_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinning, "_downloaded", lambda *_: ("sha256:" + "0" * 64, 1))
    said = desk.call("add", "one", "https://me:secret@data.example/x").stderr
    assert "user name and password" in said and "secret" not in said
    assert "password" not in desk.call("add", "two", "https://data.example/x").stderr

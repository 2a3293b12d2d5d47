"""A sound project is the same in all parts; every kind of tampering is named with its place."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nixrepro import config as configs
from nixrepro import flake_lock, vendor
from nixrepro import lock as locks
from nixrepro.lock import Artefact, Lock
from nixrepro.verify.lock import check_lock
from nixrepro.verify.verdict import Finding, State, Verdict

REPOSITORY = Path(__file__).parents[3]
PYPROJECT = """\
[project]
name = "digits"
requires-python = ">=3.11"
dependencies = [
    "numpy",
]

[tool.nixrepro]
"""


def wheel(name: str, version: str) -> Artefact:
    digest = hashlib.sha256(f"{name}{version}".encode()).hexdigest()
    file = f"{name}-{version}-py3-none-any.whl"
    return Artefact("wheels", name, version, "wheel", "", file, 7, digest, "", "")


def git(root: Path, *words: str) -> None:
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.org",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.org",
    }
    subprocess.run(["git", *words], cwd=root, env=variables, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project as `nixrepro init` and `nixrepro lock` leave it, committed."""
    root = tmp_path / "digits"
    root.mkdir()
    (root / "pyproject.toml").write_text(PYPROJECT.replace("\n[tool.nixrepro]\n", ""))
    vendor.initialise(root)
    (root / "pyproject.toml").write_text(PYPROJECT)
    artefacts = (wheel("keras", "3.0"), wheel("numpy", "2.1"))
    lock = Lock("3.11.2", "2.36", configs.question(configs.load(root)), artefacts)
    locks.save(root / locks.FILE, lock)
    flake_lock.ensure(root)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "all")
    return root


def check(root: Path) -> dict[str, Verdict]:
    return {verdict.part: verdict for verdict in check_lock(root)}


def only(root: Path, part: str, state: State = State.DIFFERS) -> Verdict:
    """The verdict of the one part that is not the same."""
    found = check(root)
    assert [name for name, verdict in found.items() if verdict.state is not State.SAME] == [part]
    assert found[part].state is state
    return found[part]


def edit(path: Path, old: str, new: str) -> int:
    """Replace a text that stands there once; its line."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def test_a_sound_project(root: Path) -> None:
    found = check(root)
    assert list(found) == [
        "configuration",
        "nixrepro.lock",
        "flake.lock",
        "flake.nix",
        "library",
        "git",
    ]
    assert {verdict.state for verdict in found.values()} == {State.SAME}
    assert all(verdict.compared for verdict in found.values())
    assert found["nixrepro.lock"].compared.startswith("2 artefacts")


def test_what_another_tools_file_asks_for_is_said_with_its_line(root: Path) -> None:
    (root / "more").mkdir()
    (root / "more/all.txt").write_text("numpy\n")
    text = PYPROJECT + '[tool.nixrepro.wheels]\nfrom = "more/all.txt"\n'
    (root / "pyproject.toml").write_text(text)
    lock = Lock("3.11.2", "2.36", configs.question(configs.load(root)), ())
    locks.save(root / locks.FILE, lock)
    digest = "ab" * 32
    (root / "more/all.txt").write_text(f"numpy\n-r base.txt\nscipy==1 --hash=sha256:{digest}\n")
    (root / "more/base.txt").write_text("# pandas\npandas\n")
    found = {each.subject: each for each in only(root, "configuration").findings}
    assert {(each.file, each.line) for each in only(root, "configuration").findings} == {
        ("more/all.txt", 3),
        ("more/base.txt", 2),
    }
    assert found["wheels.pins"].file == "more/all.txt"
    assert "pyproject.toml with more/all.txt" in check(root)["configuration"].compared


@pytest.mark.alone
def test_this_repository_takes_well_under_a_second() -> None:
    begun = time.perf_counter()
    found = check(REPOSITORY)
    assert time.perf_counter() - begun < 0.5
    assert found["library"].reason == "nix/ is the library itself"
    for part in ("configuration", "nixrepro.lock", "flake.lock", "flake.nix", "library"):
        assert found[part].state is State.SAME, found[part]


def test_neither_nix_nor_a_network_is_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = root.parent / "tools"
    tools.mkdir()
    place = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout
    (tools / "git").symlink_to(place.strip())
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr("socket.socket", None)
    assert {verdict.state for verdict in check_lock(root)} == {State.SAME}


# configuration


def test_a_changed_configuration_is_named_by_its_line(root: Path) -> None:
    line = edit(root / "pyproject.toml", '"numpy"', '"scipy"')
    found = only(root, "configuration").findings
    assert [(each.reason.split()[0], each.layer) for each in found] == [
        ("asks", "wheels"),
        ("asks", "wheels"),
    ]
    added = next(each for each in found if "'scipy'" in each.reason)
    assert (added.file, added.line) == ("pyproject.toml", line)


def test_a_configuration_that_can_t_be_read(root: Path) -> None:
    line = edit(root / "pyproject.toml", "[tool.nixrepro]", "[tool.nixrepro]\nsed = 1")
    verdict = only(root, "configuration", State.UNKNOWN)
    assert "sed" in verdict.reason
    assert (verdict.findings[0].file, verdict.findings[0].line) == ("pyproject.toml", line + 1)


# nixrepro.lock


def broken(root: Path) -> Verdict:
    found = check(root)
    assert found["nixrepro.lock"].state is State.DIFFERS
    assert found["configuration"].state is not State.DIFFERS
    return found["nixrepro.lock"]


def test_an_artefact_edited_by_hand_is_named(root: Path) -> None:
    digest = wheel("numpy", "2.1").sha256
    line = edit(root / locks.FILE, digest, "0" * 64)
    (finding,) = broken(root).findings
    assert finding == Finding(
        "numpy",
        "has another sha256 than in the last commit",
        "wheels",
        locks.FILE,
        line,
    )


def test_a_lost_and_an_added_artefact_are_named(root: Path) -> None:
    config = configs.load(root)
    other = Lock("3.11.2", "2.36", configs.question(config), (wheel("scipy", "1.0"),))
    head, _, _ = (root / locks.FILE).read_text().partition("\n[[artefact]]")
    _, _, tables = locks.dumps(other).partition("\n[[artefact]]")
    (root / locks.FILE).write_text(f"{head}\n[[artefact]]{tables}")
    said = {finding.subject: finding.reason for finding in broken(root).findings}
    assert said == {
        "scipy": "is not in the last commit",
        "numpy": "is in the last commit, and not here",
        "keras": "is in the last commit, and not here",
    }


def test_without_a_commit_the_line_of_the_digest_is_named(root: Path) -> None:
    digest = wheel("numpy", "2.1").sha256
    edit(root / locks.FILE, digest, "0" * 64)
    subprocess.run(["rm", "-rf", root / ".git"], check=True)
    (finding,) = broken(root).findings
    assert (root / locks.FILE).read_text().splitlines()[finding.line - 1].startswith("digest =")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "numpy"', 'name = "../numpy"'),
        ("size = 7", "size = 7.5"),
        ('kind = "wheel"', 'kind = "whale"'),
        ("[question]", "<<<<<<< HEAD\n[question]"),
        ('glibc = "2.36"', 'glibc = "new"'),
    ],
)
def test_a_field_of_no_shape_is_named_by_its_line(root: Path, old: str, new: str) -> None:
    git(root, "rm", "-q", "--cached", locks.FILE)
    git(root, "commit", "-qm", "no lock to compare with")
    git(root, "add", "-N", locks.FILE)
    text = (root / locks.FILE).read_text()
    (root / locks.FILE).write_text(text.replace(old, new, 1))
    (finding,) = broken(root).findings
    assert finding.file == locks.FILE
    assert finding.line == text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "subject"),
    [
        ('name = "numpy"\n', 'name = "numpy" # the fast one\n', "numpy"),
        ("\n[[artefact]]", "\n\n[[artefact]]", "head"),
        ("# Made by", "# Edited, and made by", "head"),
    ],
)
def test_a_lock_that_means_the_same_and_was_edited(
    root: Path, old: str, new: str, subject: str
) -> None:
    text = (root / locks.FILE).read_text()
    (root / locks.FILE).write_text(text.replace(old, new, 1))
    verdict = only(root, "nixrepro.lock")
    assert verdict.findings[0].subject == subject
    line = next(
        number
        for number, (a, b) in enumerate(
            zip(text.splitlines(), text.replace(old, new, 1).splitlines(), strict=False), 1
        )
        if a != b
    )
    assert abs(verdict.findings[0].line - line) <= 1


def test_windows_line_ends_are_no_lock(root: Path) -> None:
    path = root / locks.FILE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert check(root)["nixrepro.lock"].state is State.DIFFERS


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff\xfe", b"version = 99\n[question]\n"])
def test_no_lock_at_all(root: Path, content: bytes | None) -> None:
    (root / locks.FILE).unlink()
    if content is not None:
        (root / locks.FILE).write_bytes(content)
    found = check(root)
    assert found["nixrepro.lock"].state is State.DIFFERS
    assert found["configuration"].state is State.UNKNOWN
    assert found["flake.lock"].state is State.SAME


# flake.lock and flake.nix


def pins(root: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    path = root / "flake.lock"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("narHash", "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "does not have"),
        ("narHash", None, "not pinned by a hash"),
        ("rev", None, "not pinned by a revision"),
    ],
)
def test_a_pin_that_was_tampered_with(root: Path, key: str, value: str | None, why: str) -> None:
    def change(document: dict) -> None:  # type: ignore[type-arg]
        locked = document["nodes"]["nixpkgs"]["locked"]
        locked.pop(key)
        locked.update({key: value} if value else {})

    pins(root, change)
    verdict = only(root, "flake.lock")
    (finding,) = verdict.findings
    assert why in finding.reason
    line = (root / "flake.lock").read_text().splitlines()[finding.line - 1]
    assert line.strip() == '"nixpkgs": {'


def test_another_revision_is_the_persons_own_choice(root: Path) -> None:
    def change(document: dict) -> None:  # type: ignore[type-arg]
        document["nodes"]["nixpkgs"]["locked"].update(rev="1" * 40, narHash="sha256-x")

    pins(root, change)
    verdict = check(root)["flake.lock"]
    assert (verdict.state, verdict.reason) == (
        State.SAME,
        "every input is pinned, to your own choice",
    )


def test_an_input_of_ones_own_is_fine_once_it_is_pinned(root: Path) -> None:
    edit(root / "flake.nix", "  outputs", '  inputs.more.url = "github:a/b";\n\n  outputs')
    assert "more" in only(root, "flake.lock").findings[0].subject

    def change(document: dict) -> None:  # type: ignore[type-arg]
        node = {"rev": "2" * 40, "narHash": "sha256-y", "type": "github", "owner": "a", "repo": "b"}
        original = {"type": "github", "owner": "a", "repo": "b"}
        document["nodes"]["more"] = {"locked": node, "original": original}
        document["nodes"]["root"]["inputs"]["more"] = "more"

    pins(root, change)
    assert {verdict.state for verdict in check_lock(root)} == {State.SAME}
    assert check(root)["flake.nix"].reason == "edited, and it leads to ./nix"


def test_inputs_in_a_block_are_seen(root: Path) -> None:
    old = '  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";'
    block = """  inputs = {
    # inputs.old.url = "github:x/y";
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05";
    tools = { url = "github:a/b"; inputs.nixpkgs.follows = "nixpkgs"; };
  };"""
    edit(root / "flake.nix", old, block)
    assert [finding.subject for finding in only(root, "flake.lock").findings] == ["tools"]


def test_a_pin_of_another_place_than_the_flake_names(root: Path) -> None:
    edit(root / "flake.nix", "NixOS/nixpkgs/nixos-25.05", "NixOS/nixpkgs/nixos-24.11")
    (finding,) = only(root, "flake.lock").findings
    assert "another place" in finding.reason


def test_a_pin_that_nothing_asks_for(root: Path) -> None:
    def change(document: dict) -> None:  # type: ignore[type-arg]
        document["nodes"]["root"]["inputs"]["other"] = "nixpkgs"

    pins(root, change)
    assert [finding.subject for finding in only(root, "flake.lock").findings] == ["other"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nodes": {}, "root": "root"}', "<<<<<<< HEAD"])
def test_a_flake_lock_that_nix_did_not_write(root: Path, text: str) -> None:
    (root / "flake.lock").write_text(text)
    only(root, "flake.lock")


def test_no_flake_lock(root: Path) -> None:
    (root / "flake.lock").unlink()
    assert "nixrepro lock" in only(root, "flake.lock").reason


def test_a_flake_that_leads_elsewhere(root: Path) -> None:
    edit(root / "flake.nix", "import ./nix {", "import ./other {")
    assert "init --update" in only(root, "flake.nix").reason


# library


def test_a_changed_file_of_the_library_is_named_by_its_line(root: Path) -> None:
    line = edit(root / "nix" / "store.nix", 'triplet = "x86_64-linux-gnu";', 'triplet = "x";')
    (finding,) = only(root, "library").findings
    assert (finding.file, finding.line) == ("nix/store.nix", line)


def test_a_changed_runtime_a_missing_file_and_another_seed(root: Path) -> None:
    (root / "nix" / "runtime" / "boot.py").write_text("import os\n")
    (root / "nix" / "run.nix").unlink()
    with (root / "nix" / "seed" / "busybox").open("ab") as stream:
        stream.write(b"\0")
    said = {finding.subject: finding.reason for finding in only(root, "library").findings}
    assert said == {
        "nix/runtime/boot.py": "is changed from line 1",
        "nix/run.nix": "is missing",
        "nix/seed/busybox": "has other bytes",
    }


def test_more_files_of_ones_own_are_counted(root: Path) -> None:
    (root / "nix" / "mine.nix").write_text("{ }\n")
    git(root, "add", "nix/mine.nix")
    assert "1 more, of your own" in check(root)["library"].compared
    assert {verdict.state for verdict in check_lock(root)} == {State.SAME}


def test_no_library_at_all(root: Path) -> None:
    (root / "nix").rename(root / "moved")
    assert len(check(root)["library"].findings) > 30


# git


def test_a_file_that_git_does_not_know(root: Path) -> None:
    git(root, "rm", "-q", "--cached", "nix/run.nix", locks.FILE)
    verdict = only(root, "git")
    assert [finding.file for finding in verdict.findings] == ["nix/run.nix", locks.FILE]
    assert "git add" in verdict.reason


def test_an_ignored_file_is_not_known_either(root: Path) -> None:
    (root / ".gitignore").write_text("mine.nix\n")
    (root / "nix" / "mine.nix").write_text("{ }\n")
    assert [finding.file for finding in only(root, "git").findings] == ["nix/mine.nix"]


def test_a_folder_without_git_is_what_it_is(root: Path) -> None:
    subprocess.run(["rm", "-rf", root / ".git"], check=True)
    assert "takes the folder as it is" in check(root)["git"].reason


def test_git_is_gone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    assert check(root)["git"].state is State.UNKNOWN


def test_a_project_below_the_top(root: Path) -> None:
    top = root.parent
    (root / ".git").rename(top / "was")
    git(top, "init", "-q")
    git(top, "add", "digits")
    assert {verdict.state for verdict in check_lock(root)} == {State.SAME}


def test_the_library_of_another_version_is_named_with_ours(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nixrepro import __version__

    edit(root / "nix" / "checks.nix", "# What", "# Once, what")
    verdict = only(root, "library")
    assert __version__ in verdict.compared
    assert re.search("init --update", verdict.reason)


def test_artefacts_in_another_order_are_seen(root: Path) -> None:
    lock = locks.load(root / locks.FILE)
    text = locks.dumps(lock)
    head, first, second = text.split("\n[[artefact]]\n")
    (root / locks.FILE).write_text("\n[[artefact]]\n".join((head, second, first)))
    assert locks.load(root / locks.FILE) == lock
    assert only(root, "nixrepro.lock").findings


@pytest.mark.parametrize("key", ["owner", "repo", "type"])
def test_a_pin_of_another_repository_than_the_one_asked_for(root: Path, key: str) -> None:
    def change(document: dict) -> None:  # type: ignore[type-arg]
        locked = document["nodes"]["nixpkgs"]["locked"]
        locked.update({"rev": "1" * 40, "narHash": "sha256-x", key: "other"})

    pins(root, change)
    (finding,) = only(root, "flake.lock").findings
    assert "another place" in finding.reason


def test_a_comment_in_latin_1_is_one(root: Path) -> None:
    path = root / "flake.nix"
    path.write_bytes(path.read_bytes() + "# caf\xe9\n".encode("latin-1"))
    assert {verdict.state for verdict in check_lock(root)} == {State.SAME}


def test_a_file_that_would_be_loaded_instead_of_the_runtimes(root: Path) -> None:
    for name in ("boot/__init__.py", "boot.so", "README", "tests/test_mine.py"):
        path = root / "nix" / "runtime" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    git(root, "add", "--force", "nix")
    (finding,) = only(root, "library").findings
    assert finding.subject == "nix/runtime/boot/__init__.py"

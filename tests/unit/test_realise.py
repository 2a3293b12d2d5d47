"""An environment is realised once, and again whenever something that it is made of changed."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from nixrepro import realise as module
from nixrepro.errors import BuildError, ConfigError, LockError
from nixrepro.memory import stamped
from nixrepro.realise import Environment, check, current, realise, remembered, root_name

from .store import FLAKE, Store, make_project


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def no_wait() -> None:
    raise AssertionError("nobody else is at work")


def again(root: Path, store: Store) -> Environment:
    return remembered(root) or realise(root, store.nix, lambda: None, no_wait)


def memory(root: Path) -> Path:
    return root / ".nixrepro" / "environment"


def test_the_first_time_it_is_built_then_remembered(root: Path, store: Store) -> None:
    prepared = []
    first = realise(root, store.nix, lambda: prepared.append(1), no_wait)
    assert first.path == str(store.path("environment"))
    assert first.system == str(store.path("system"))
    assert first.facts == str(store.path("facts.json"))
    assert first.settings == str(store.path("settings.json"))
    assert remembered(root) == first
    assert realise(root, store.nix, lambda: prepared.append(2), no_wait) == first
    assert (store.built, prepared) == (1, [1])
    assert current(root) == first.path


def test_nothing_is_remembered_of_what_never_was(tmp_path: Path) -> None:
    assert remembered(tmp_path) is None
    assert current(tmp_path) == ""


@pytest.mark.parametrize(
    "name",
    [
        "flake.nix",
        "flake.lock",
        "nixrepro.lock",
        "pyproject.toml",
        "nix/default.nix",
        "nix/build/cc.py",
        "code/runtime/boot.py",
    ],
)
@pytest.mark.parametrize("how", ["longer", "later", "gone"])
def test_whatever_the_flake_reads_makes_it_anew(
    root: Path, store: Store, name: str, how: str
) -> None:
    again(root, store)
    path = root / name
    if how == "longer":
        path.write_text(path.read_text() + " ")
    elif how == "later":
        about = path.stat()
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    else:
        path.unlink()
    assert remembered(root) is None


@pytest.mark.parametrize("name", ["nix/new.nix", "nix/deep/er.nix", "code/runtime/new.py"])
def test_a_new_file_makes_it_anew(root: Path, store: Store, name: str) -> None:
    again(root, store)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).touch()
    assert remembered(root) is None


@pytest.mark.parametrize(
    "name", ["train.py", "code/new.py", "nix/__pycache__/x.pyc", ".nixrepro/x"]
)
def test_other_files_do_not(root: Path, store: Store, name: str) -> None:
    again(root, store)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("changed")
    assert remembered(root) is not None


@pytest.mark.parametrize("kind", ["environment", "facts.json", "settings.json"])
def test_what_the_store_has_lost_is_built_again(root: Path, store: Store, kind: str) -> None:
    again(root, store)
    store.path(kind).rename(store.folder / "collected")
    assert remembered(root) is None
    assert current(root) == ""
    again(root, store)
    assert store.built == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"text",
        b"\xff\xfe",
        b'{"format": 3}',
        b"nixrepro environment 4\0",
        b"nixrepro environment 4\0end\0",
        b"nixrepro environment 4\0/\0x\0end\0",
        b"nixrepro environment 4\0/\00\00\0end\0",
        b"nixrepro environment 4\0/\07\0end\0",
    ],
)
def test_a_broken_memory_is_no_memory(root: Path, store: Store, data: bytes) -> None:
    first = again(root, store)
    memory(root).write_bytes(data)
    assert remembered(root) is None
    assert again(root, store) == first
    assert store.built == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"environment 4\0", b"environment 5\0"),
        (b"\0NIXREPRO_SETTINGS=", b"\0OTHER="),
        (b"\0NIXREPRO_ROOT=", b"\0NIXREPRO_ROOT=x"),
        (b"4\0/", b"4\0/elsewhere/"),
        (b"\0end\0", b""),
    ],
)
def test_another_versions_memory_is_no_memory(
    root: Path, store: Store, old: bytes, new: bytes
) -> None:
    again(root, store)
    data = memory(root).read_bytes()
    assert old in data
    memory(root).write_bytes(data.replace(old, new))
    assert remembered(root) is None


def test_the_environment_is_kept_and_only_the_last_shell(root: Path, store: Store) -> None:
    roots = root / ".nixrepro" / "roots"
    first = again(root, store)
    store.name = "e2"
    (root / "nixrepro.lock").write_text("version = 1 # two\n")
    second = again(root, store)
    assert first.path != second.path
    links = {link.name: os.readlink(link) for link in roots.iterdir()}
    shell = str(store.path("shell"))
    assert links == {
        root_name(first.path): first.path,
        root_name(second.path): second.path,
        "shell": "shell-2-link",
        "shell-2-link": shell,
    }


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_project_elsewhere_gets_roots_of_its_own(
    root: Path, store: Store, tmp_path: Path, how: str
) -> None:
    older = again(root, store)
    store.name = "e2"
    (root / "nixrepro.lock").write_text("version = 1 # two\n")
    newer = again(root, store)
    lost = root / ".nixrepro" / "roots" / "collected"
    lost.symlink_to(tmp_path / "not" / "there")
    other = tmp_path / "other"
    if how == "moved":
        root.rename(other)
    else:
        shutil.copytree(root, other, symlinks=True)
    assert remembered(other) is None
    store.roots.clear()
    assert again(other, store) == newer
    roots = other / ".nixrepro" / "roots"
    names = {root_name(older.path), root_name(newer.path), f"shell-{store.built}-link"}
    assert store.roots == {roots / name for name in names}
    assert remembered(other) == newer
    assert (remembered(root) == newer) == (how == "copied")


def test_a_failed_build_is_not_remembered_and_says_why(root: Path, store: Store) -> None:
    store.stderr = "error: syntax error"
    with pytest.raises(BuildError) as caught:
        again(root, store)
    assert "syntax error" in caught.value.details
    assert not memory(root).exists()
    store.stderr = ""
    again(root, store)
    assert memory(root).exists()


def test_what_must_be_prepared_first_stops_it(root: Path, store: Store) -> None:
    def refuse() -> None:
        raise LockError("out of date")

    with pytest.raises(LockError):
        realise(root, store.nix, refuse, no_wait)
    assert store.built == 0
    again(root, store)


def test_a_file_changed_while_it_was_built_is_seen_the_next_time(root: Path, store: Store) -> None:
    class Edited(Store):
        def _build(self, profile: Path) -> bytes:
            (root / "pyproject.toml").write_text("[tool.nixrepro]\n# meanwhile\n")
            return super()._build(profile)

    again(root, Edited(store.folder))
    assert remembered(root) is None


def test_two_at_a_time_build_once(root: Path, store: Store) -> None:
    started, go = threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        assert go.wait(10)

    found: list[Environment] = []
    first = threading.Thread(
        target=lambda: found.append(realise(root, store.nix, slow, no_wait)), daemon=True
    )
    first.start()
    assert started.wait(10)
    found.append(realise(root, store.nix, lambda: pytest.fail("built twice"), go.set))
    first.join(10)
    assert found[0] == found[1]
    assert store.built == 1


def test_a_shell_of_another_flake_is_told_apart(root: Path, store: Store) -> None:
    class Foreign(Store):
        def _build(self, profile: Path) -> bytes:
            super()._build(profile)
            return b'{"variables": {"PATH": {"type": "exported", "value": "/usr/bin"}}}'

    with pytest.raises(BuildError, match="not one of nixrepro") as caught:
        again(root, Foreign(store.folder))
    assert "init --update" in caught.value.hint


def test_a_whole_flake_is_whole(root: Path) -> None:
    check(root)


@pytest.mark.parametrize(
    ("name", "error", "hint"),
    [
        ("flake.nix", ConfigError, "init --update"),
        ("nix", ConfigError, "init --update"),
        ("code/runtime", ConfigError, "init --update"),
        ("flake.lock", LockError, "run `nixrepro lock`"),
    ],
)
def test_a_part_of_the_flake_that_is_missing_is_named(
    root: Path, name: str, error: type[Exception], hint: str
) -> None:
    (root / name).rename(root / "away")
    with pytest.raises(error, match=f"there is no .*{name}") as caught:
        check(root)
    assert hint in caught.value.hint  # type: ignore[attr-defined]


def test_paths_in_the_flake_are_found(tmp_path: Path) -> None:
    (tmp_path / "flake.nix").write_text(
        FLAKE + "# ../not and a./neither, https://x./y nor ./.\n  x = ./one-two/three.nix;\n"
    )
    named = set(module.read_by_flake(tmp_path)) - set(module.read_by_flake(tmp_path / "absent"))
    assert named == {"code/runtime", "one-two/three.nix"}


def test_the_table_of_a_cpu_is_read_by_the_flake_too(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    head = '[tool.nixrepro.numerics]\nprofile = "portable"\n'
    for cpu, wanted in (
        ("cpus/lab.cpu", {"cpus/lab.cpu"}), ("haswell", set()), ("../lab.cpu", set()),
    ):  # fmt: skip
        file.write_text(f'{head}cpu = "{cpu}"\n')
        named = set(module.read_by_flake(tmp_path)) - set(module.read_by_flake(tmp_path / "absent"))
        assert named == wanted
    for wrong in ("cpu = 1", 'cpu = "a', "x = 1", "[tool]\nnixrepro = 1"):
        file.write_text(wrong)
        assert module.read_by_flake(tmp_path) == module.read_by_flake(tmp_path / "absent")


def test_another_table_is_another_state_of_the_project(tmp_path: Path) -> None:
    """What a warm start looks at: the same size at another time is a change."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.nixrepro.numerics]\nprofile = "portable"\ncpu = "lab.cpu"\n'
    )
    table = tmp_path / "lab.cpu"
    table.write_text("00000000  * 0000000d 756e6547 6c65746e 49656e69\n")
    names = module.read_by_flake(tmp_path)
    before = stamped(str(tmp_path), names)
    assert stamped(str(tmp_path), names) == before
    os.utime(table, ns=(1, 1))
    assert stamped(str(tmp_path), names) != before

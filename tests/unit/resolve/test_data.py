"""Data is checked against its local copy when its declaration is new, and then kept unread."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from nixrepro.base32 import encode
from nixrepro.config import Base, Config, Data, Settings, Train, Wheels, question
from nixrepro.errors import ConfigError
from nixrepro.lock import Lock, dumps, parse
from nixrepro.nar import hash_path
from nixrepro.resolve.data import resolve_data
from nixrepro.runtime.datasets.digesting import digest

BODY = b"a,b\n1,2\n"
SHA = hashlib.sha256(BODY).hexdigest()


def config_of(root: Path, *data: Data) -> Config:
    return Config(root, "x", "", Base(), Wheels(), (), Train(), Settings(), data)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "a table.csv").write_bytes(BODY)
    return tmp_path


def test_a_local_copy_gives_the_size(project: Path) -> None:
    (got,) = resolve_data(config_of(project, Data("t", SHA, path="a table.csv", store=True)), None)
    assert (got.size, got.sha256, got.file, got.path) == (8, SHA, "a_table.csv", "a table.csv")
    assert (got.layer, got.kind, got.url, got.optional) == ("data", "file", "", False)


def test_a_url_alone_gives_no_size_unless_it_is_stated(tmp_path: Path) -> None:
    url = "https://data.example/sets/m%20n.npz?raw=1"
    plain = Data("t", SHA, url=url, optional=True)
    (got,) = resolve_data(config_of(tmp_path, plain), None)
    assert (got.size, got.file, got.url, got.optional) == (0, "m_n.npz", url, True)
    (got,) = resolve_data(config_of(tmp_path, replace(plain, size=5)), None)
    assert got.size == 5


@pytest.mark.parametrize("url", ["https://data.example/", "https://data.example/.x", "file:///-r"])
def test_any_url_gives_a_file_name_that_a_lock_can_hold(tmp_path: Path, url: str) -> None:
    config = config_of(tmp_path, Data("t", SHA, url=url))
    artefacts = resolve_data(config, None)
    lock = Lock("3.11.2", "2.36", question(config), artefacts)
    assert parse(dumps(lock)) == lock


def test_a_wrong_hash_names_the_entry_the_file_and_both_hashes(project: Path) -> None:
    config = config_of(project, Data("t", "ab" * 32, path="a table.csv", store=True))
    with pytest.raises(ConfigError) as caught:
        resolve_data(config, None)
    for piece in ("tool.nixrepro.data.t", "a table.csv", SHA, "ab" * 32):
        assert piece in caught.value.message


def test_a_wrong_size_is_refused(project: Path) -> None:
    config = config_of(project, Data("t", SHA, path="a table.csv", size=9, store=True))
    with pytest.raises(ConfigError, match="8 bytes, not 9"):
        resolve_data(config, None)


def test_what_was_locked_is_kept_unread_until_its_declaration_changes(project: Path) -> None:
    config = config_of(project, Data("t", SHA, path="a table.csv", store=True))
    lock = Lock("3.11.2", "2.36", question(config), resolve_data(config, None))
    (project / "a table.csv").unlink()
    assert resolve_data(config, lock) == lock.artefacts
    changed = replace(config, data=(replace(config.data[0], optional=True),))
    assert resolve_data(changed, lock)[0].optional
    assert resolve_data(replace(config, data=()), lock) == ()


def test_data_by_reference_is_in_no_lock(project: Path) -> None:
    config = config_of(project, Data("t", "ab" * 32, path="a table.csv"))
    assert resolve_data(config, None) == ()
    assert question(config)["data"] == {}


def test_a_folder_of_the_store_is_locked_by_its_archive(project: Path) -> None:
    folder = project / "train"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a").write_bytes(BODY)
    (folder / "to-a").symlink_to("sub/a")
    pin = digest(bytes(folder)).digest
    config = config_of(project, Data("t", "", path="train", digest=pin, store=True))
    (got,) = resolve_data(config, None)
    assert (got.kind, got.file, got.digest, got.path) == ("folder", "train", pin, "train")
    assert "sha256:" + encode(bytes.fromhex(got.sha256)) == hash_path(folder).nar_hash
    lock = Lock("3.11.2", "2.36", question(config), (got,))
    assert parse(dumps(lock)) == lock
    (folder / "sub" / "a").write_bytes(b"other")
    assert resolve_data(config, lock) == (got,)
    with pytest.raises(ConfigError, match="train has digest merkle:"):
        resolve_data(config, None)


def test_a_link_out_of_a_folder_can_not_go_into_the_store(project: Path) -> None:
    folder = project / "train"
    folder.mkdir()
    (folder / "out").symlink_to("../a table.csv")
    pin = digest(bytes(folder)).digest
    config = config_of(project, Data("t", "", path="train", digest=pin, store=True))
    with pytest.raises(ConfigError, match="a link that leads out of the folder"):
        resolve_data(config, None)

"""`nixrepro key` and `nixrepro sign`: where keys go, and how a passphrase is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nixrepro import keys, signing
from nixrepro.cli import verbs

from ..lab import Lab, furnish


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    furnish(made, monkeypatch)
    made.commit()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("NIXREPRO_PASSPHRASE", raising=False)
    return made


def invoke(lab: Lab, *arguments: str, typed: str | None = None) -> Result:
    words = ["-C", str(lab.root), *arguments]
    return CliRunner().invoke(verbs, words, input=typed, standalone_mode=False)


def test_one_pair_for_all_projects(lab: Lab, tmp_path: Path) -> None:
    run = lab.run()
    done = invoke(lab, "key")
    path = tmp_path / "config" / "nixrepro" / "key.pem"
    assert done.stdout == f"{keys.public_key(keys.public_of(path)).keyid}\n"
    assert done.stderr == f"private key {path}\npublic key {path}.pub\n"
    done = invoke(lab, "sign")
    assert done.stdout == f"{run.folder / 'record.dsse.json'}\n"
    assert "already" in str(invoke(lab, "key").exception)


def test_a_pair_elsewhere(lab: Lab, tmp_path: Path) -> None:
    run = lab.run()
    path = tmp_path / "other.pem"
    invoke(lab, "key", str(path))
    assert invoke(lab, "sign", "--key", str(path), run.document["id"][:9]).return_value is None
    assert len(signing.read(run.folder / signing.ENVELOPE).signatures) == 1
    assert "there is no" in str(invoke(lab, "sign").exception)


def test_a_key_in_a_work_tree_is_told(lab: Lab) -> None:
    assert "lies in a Git work tree" in invoke(lab, "key", str(lab.root / "key.pem")).stderr


def test_a_passphrase_is_asked_for_twice_and_once(lab: Lab, tmp_path: Path) -> None:
    lab.run()
    path = str(tmp_path / "secret.pem")
    done = invoke(lab, "key", "--passphrase", path, typed="one\nother\nsame\nsame\n")
    assert done.exit_code == 0
    assert "ENCRYPTED" in Path(path).read_text()
    done = invoke(lab, "sign", "--key", path)
    assert str(done.exception) == "the key is encrypted"


def test_a_passphrase_by_a_variable(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.run()
    path = str(tmp_path / "secret.pem")
    monkeypatch.setenv("NIXREPRO_PASSPHRASE", "same")
    invoke(lab, "key", "--passphrase", path)
    assert invoke(lab, "sign", "--key", path).exit_code == 0
    monkeypatch.setenv("NIXREPRO_PASSPHRASE", "other")
    assert "can't be used" in str(invoke(lab, "sign", "--key", path).exception)


def test_a_signed_record_that_can_t_be_read_any_more_differs(lab: Lab, tmp_path: Path) -> None:
    run = lab.run()
    invoke(lab, "key")
    invoke(lab, "sign")
    public = str(tmp_path / "config" / "nixrepro" / "key.pem.pub")
    words = ("verify", "last", "--only", "signature", "--allow-unknown", "--key", public)
    assert invoke(lab, *words).return_value == 0
    path = run.folder / "record.json"
    path.write_bytes(path.read_bytes().replace(b"{", b"[", 1))
    done = invoke(lab, *words)
    assert done.return_value == 1
    assert "differs" in done.stdout and "is no record" in done.stdout

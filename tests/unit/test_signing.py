"""Keys and envelopes: what other tools make of them, and what is refused."""

from __future__ import annotations

import base64
import builtins
import json
import os
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from nixrepro import keys, signing
from nixrepro.canonical import write_atomic
from nixrepro.errors import NixreproError
from nixrepro.record import Record

from .lab import Lab, furnish


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    lab = Lab(tmp_path)
    furnish(lab, monkeypatch)
    lab.commit()
    lab.write("new.txt", "not committed")
    return lab.run()


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "mine.pem"
    keys.make_key(path)
    return path


def none() -> bytes:
    raise AssertionError("no passphrase is asked for")


def pae(kind: str, payload: bytes) -> bytes:
    """What a signature is over, as the DSSE protocol has it; written anew for this test."""
    return b" ".join(
        [b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(payload)).encode(), payload]
    )


def test_an_envelope_is_good_to_an_implementation_of_its_own(run: Record, key: Path) -> None:
    path = signing.sign(run, key, none)
    envelope = json.loads(path.read_bytes())
    payload = base64.b64decode(envelope["payload"], validate=True)
    (signature,) = envelope["signatures"]
    public: Any = load_pem_public_key(keys.public_of(key).read_bytes())
    public.verify(base64.b64decode(signature["sig"]), pae(envelope["payloadType"], payload))
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(signature["sig"]), payload)
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    said = json.loads(payload)
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["predicateType"] == "urn:nixrepro:run:v1"
    assert said["predicate"]["id"] == run.document["id"]
    subjects = {entry["name"]: entry["digest"]["sha256"] for entry in said["subject"]}
    assert set(subjects) == {"record.json", "log.txt", "events.jsonl", "code.patch"}
    done = subprocess.run(
        ["sha256sum", *subjects], cwd=run.folder, check=True, capture_output=True, text=True
    )
    assert {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()} == subjects


def test_openssl_checks_it_too(run: Record, key: Path, tmp_path: Path) -> None:
    envelope = json.loads(signing.sign(run, key, none).read_bytes())
    payload = base64.b64decode(envelope["payload"])
    (tmp_path / "signed").write_bytes(pae(envelope["payloadType"], payload))
    (tmp_path / "signature").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    public = str(keys.public_of(key))
    argv = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"]
    files = ["-in", str(tmp_path / "signed"), "-sigfile", str(tmp_path / "signature")]
    assert subprocess.run([*argv, *files], check=False, capture_output=True).returncode == 0
    (tmp_path / "signed").write_bytes(b"another")
    assert subprocess.run([*argv, *files], check=False, capture_output=True).returncode != 0


def test_signatures_add_up_and_stay_the_same(run: Record, key: Path, tmp_path: Path) -> None:
    first = signing.sign(run, key, none).read_bytes()
    assert signing.sign(run, key, none).read_bytes() == first
    other = tmp_path / "other.pem"
    name = keys.make_key(other)
    path = signing.sign(run, other, none)
    envelope = signing.read(path)
    assert len(envelope.signatures) == 2 and name in envelope.signatures
    for each in (key, other):
        assert signing.signed_by(envelope, keys.public_key(keys.public_of(each)))


def test_a_key_without_a_name_is_tried(run: Record, key: Path) -> None:
    path = signing.sign(run, key, none)
    envelope = json.loads(path.read_bytes())
    del envelope["signatures"][0]["keyid"]
    path.write_text(json.dumps(envelope))
    assert signing.signed_by(signing.read(path), keys.public_key(keys.public_of(key)))


def test_the_private_key_is_for_its_owner_alone(key: Path) -> None:
    old = os.umask(0)
    try:
        keys.make_key(key.with_name("open.pem"))
    finally:
        os.umask(old)
    for name in ("mine.pem", "open.pem"):
        assert stat.S_IMODE(key.with_name(name).stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["mine.pem", "mine.pem.pub"])
def test_no_key_is_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")
    with pytest.raises(NixreproError, match=f"{there} is there already"):
        keys.make_key(tmp_path / "mine.pem")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "precious"


def test_a_passphrase(run: Record, tmp_path: Path) -> None:
    path = tmp_path / "secret.pem"
    keys.make_key(path, b"open sesame")
    with pytest.raises(TypeError):
        load_pem_private_key(path.read_bytes(), None)
    with pytest.raises(NixreproError, match="can't be used") as error:
        signing.sign(run, path, lambda: b"wrong")
    assert error.value.hint == "is the passphrase right?"
    assert not (run.folder / signing.ENVELOPE).exists()
    signing.sign(run, path, lambda: b"open sesame")


@pytest.mark.parametrize("text", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_private_key(run: Record, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "x.pem").write_bytes(text)
    with pytest.raises(NixreproError, match=r"x\.pem can't be used as a private key"):
        signing.sign(run, tmp_path / "x.pem", none)
    with pytest.raises(NixreproError, match=r"there is no .*gone\.pem") as error:
        signing.sign(run, tmp_path / "gone.pem", none)
    assert error.value.hint == "`nixrepro key` makes a pair"
    # Who verifies needs the signer's, and a pair of one's own is of no use for that.
    with pytest.raises(NixreproError, match=r"there is no .*gone\.pem") as error:
        keys.public_key(tmp_path / "gone.pem")
    assert "ask who signed for the public key" in error.value.hint


def test_keys_of_other_kinds_are_refused(run: Record, key: Path, tmp_path: Path) -> None:
    path = tmp_path / "rsa.pem"
    argv = ["openssl", "genrsa", "-out", str(path), "2048"]
    subprocess.run(argv, check=True, capture_output=True)
    with pytest.raises(NixreproError, match="is no ed25519 key"):
        signing.sign(run, path, none)
    public = subprocess.run(
        ["openssl", "rsa", "-in", str(path), "-pubout"], check=True, capture_output=True
    )
    path.write_bytes(public.stdout)
    with pytest.raises(NixreproError, match="is no public ed25519 key"):
        keys.public_key(path)
    with pytest.raises(NixreproError, match="is a private key") as error:
        keys.public_key(key)
    assert str(keys.public_of(key)) in error.value.hint


def test_keys_that_openssl_made_do(run: Record, tmp_path: Path) -> None:
    path = tmp_path / "made.pem"
    argv = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    subprocess.run(argv, check=True, capture_output=True)
    argv = ["openssl", "pkey", "-in", str(path), "-pubout", "-out", str(keys.public_of(path))]
    subprocess.run(argv, check=True, capture_output=True)
    envelope = signing.read(signing.sign(run, path, none))
    assert signing.signed_by(envelope, keys.public_key(keys.public_of(path)))


def test_what_is_not_as_recorded_is_not_signed(run: Record, key: Path) -> None:
    (run.folder / "log.txt").write_text("better")
    with pytest.raises(NixreproError, match="is not as it was recorded") as error:
        signing.sign(run, key, none)
    assert "log.txt" in error.value.details
    running = Record(run.folder, {**run.document, "status": "running"})
    with pytest.raises(NixreproError, match="has not ended yet"):
        signing.sign(running, key, none)


def test_an_envelope_of_something_else_is_not_lost(run: Record, key: Path) -> None:
    path = run.folder / signing.ENVELOPE
    other = {"payload": "AAAA", "payloadType": "text/plain", "signatures": []}
    path.write_text(json.dumps(other))
    with pytest.raises(NixreproError, match="signs something else"):
        signing.sign(run, key, none)
    assert json.loads(path.read_bytes()) == other
    path.write_text('{"payload": 1}')
    with pytest.raises(NixreproError, match="is no DSSE envelope"):
        signing.sign(run, key, none)


def test_without_the_libraries_there_is_one_clear_error(
    run: Record, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith("securesystemslib"):
            raise ImportError(name)
        return genuine(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for use in (
        lambda: signing.sign(run, key, none),
        lambda: keys.make_key(key.with_name("new.pem")),
        lambda: keys.public_key(keys.public_of(key)),
    ):
        with pytest.raises(NixreproError, match="securesystemslib") as error:
            use()
        assert "pip install 'securesystemslib[crypto]'" in error.value.hint


def test_who_signs_meanwhile_loses_no_signature(
    run: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(path: Path, data: bytes) -> None:
        time.sleep(0.1)
        write_atomic(path, data)

    monkeypatch.setattr(signing, "write_atomic", slowly)
    others = [tmp_path / "keys" / f"{number}.pem" for number in range(3)]
    for other in others:
        keys.make_key(other)
    with ThreadPoolExecutor(len(others)) as pool:
        for done in [pool.submit(signing.sign, run, other, none) for other in others]:
            done.result()
    envelope = signing.read(run.folder / signing.ENVELOPE)
    assert len(envelope.signatures) == len(others)

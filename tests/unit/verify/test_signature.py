"""A signed record: a changed byte anywhere, another key, or no signature at all is `differs`."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nixrepro import keys, record, signing
from nixrepro.errors import NixreproError
from nixrepro.record import Record
from nixrepro.verify.signature import check_signature
from nixrepro.verify.verdict import State, Verdict

from ..lab import Lab, furnish


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "mine.pem"
    keys.make_key(path)
    return path


@pytest.fixture
def run(tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    lab = Lab(tmp_path)
    furnish(lab, monkeypatch)
    lab.commit()
    lab.write("new.txt", "not committed")
    found = lab.run()
    signing.sign(found, key, lambda: b"")
    return found


def verdict(run: Record, key: Path) -> Verdict:
    (found,) = check_signature(run, keys.public_of(key))
    assert (found.check, found.part) == ("signature", "")
    return found


def test_as_it_was_signed(run: Record, key: Path) -> None:
    found = verdict(run, key)
    assert (found.state, found.findings) == (State.SAME, ())
    assert found.compared.startswith("code.patch, events.jsonl, log.txt, record.json with what")


@pytest.mark.parametrize("name", ["record.json", "log.txt", "events.jsonl", "code.patch"])
def test_each_byte_of_each_file_counts(run: Record, key: Path, name: str) -> None:
    path = run.folder / name
    data = path.read_bytes()
    for place in {0, len(data) // 2, len(data) - 1}:
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        found = verdict(run, key)
        assert (found.state, [each.subject for each in found.findings]) == (State.DIFFERS, [name])
    path.unlink()
    assert verdict(run, key).findings[0].reason == "it was signed and is gone"


def test_each_byte_of_the_envelope_counts(run: Record, key: Path) -> None:
    path = run.folder / signing.ENVELOPE
    data = path.read_bytes()
    keyid = data.index(b'"keyid"'), data.index(b'"sig"')
    for place in range(0, len(data) - 1, 7):
        if keyid[0] <= place < keyid[1]:
            continue  # a name for the key, which DSSE does not sign
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert verdict(run, key).state == State.DIFFERS, place
    path.write_bytes(data)
    assert verdict(run, key).state == State.SAME


def test_another_key(run: Record, key: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    name = keys.make_key(other)
    found = verdict(run, other)
    assert found.state == State.DIFFERS
    assert f"no good signature by the key {name[:12]} of other.pem.pub" in found.reason


def test_a_signature_under_a_false_name(run: Record, key: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    name = keys.make_key(other)
    path = run.folder / signing.ENVELOPE
    envelope = json.loads(path.read_bytes())
    envelope["signatures"][0]["keyid"] = name
    path.write_text(json.dumps(envelope))
    assert verdict(run, other).state == State.DIFFERS
    assert verdict(run, key).state == State.SAME


def test_no_signature_is_no_unknown(run: Record, key: Path) -> None:
    (run.folder / signing.ENVELOPE).unlink()
    found = verdict(run, key)
    assert found.state == State.DIFFERS
    assert found.reason.startswith("nobody signed this run")


def test_what_is_no_envelope(run: Record, key: Path) -> None:
    for text in ("", "[]", "{}", '{"payload":"AA==","payloadType":"x","signatures":[{}]}'):
        (run.folder / signing.ENVELOPE).write_text(text)
        assert "is no DSSE envelope" in verdict(run, key).reason


def resign(run: Record, key: Path, change: Callable[[dict[str, Any]], Any], kind: str) -> None:
    """Have the right key sign something else."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    said = signing.statement(run)
    change(said)
    envelope = Envelope(json.dumps(said).encode(), kind, {})
    envelope.sign(CryptoSigner(keys.private_key(key, lambda: b"")))
    (run.folder / signing.ENVELOPE).write_text(json.dumps(envelope.to_dict()))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda _: None, "application/json"),
        (lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"), signing.PAYLOAD),
        (lambda said: said.update(predicateType="urn:nixrepro:run:v2"), signing.PAYLOAD),
        (lambda said: said["subject"].clear(), signing.PAYLOAD),
        (lambda said: said["subject"].pop(), signing.PAYLOAD),
        (lambda said: said.pop("subject"), signing.PAYLOAD),
        (lambda said: said["predicate"].update(experiment="0" * 64), signing.PAYLOAD),
        (lambda said: said["subject"][0].update(name="../../secret"), signing.PAYLOAD),
    ],
)
def test_what_the_right_key_signed_must_be_this_record(
    run: Record, key: Path, change: Callable[[dict[str, Any]], Any], kind: str
) -> None:
    resign(run, key, lambda _: None, signing.PAYLOAD)
    assert verdict(run, key).state == State.SAME
    resign(run, key, change, kind)
    assert verdict(run, key).state == State.DIFFERS


def test_another_runs_envelope(run: Record, key: Path, tmp_path: Path) -> None:
    text = (run.folder / signing.ENVELOPE).read_bytes()
    said = json.loads(base64.b64decode(json.loads(text)["payload"]))
    document = {**run.document, "started": "2020-01-01T00:00:00.000000Z"}
    (run.folder / "record.json").write_text(json.dumps(document))
    found = verdict(record.load(run.folder.parents[2], run.document["id"]), key)
    assert found.state == State.DIFFERS
    assert said["predicate"]["id"] == run.document["id"]


def test_a_private_key_is_refused(run: Record, key: Path) -> None:
    with pytest.raises(NixreproError, match="is a private key"):
        check_signature(run, key)

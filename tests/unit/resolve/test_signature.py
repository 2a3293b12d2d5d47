"""The shipped keyring, and signatures that Debian's archive really made."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pysequoia
import pytest

from nixrepro.errors import ResolveError
from nixrepro.resolve import release
from nixrepro.resolve.signature import keyring, signed_text

RECORDED = Path(__file__).parents[1] / "recorded/debian"
SIGNED = sorted(RECORDED.glob("*.InRelease"))


def test_the_keyring_holds_the_keys_of_three_releases():
    owners = [str(user) for cert in pysequoia.Cert.split_bytes(keyring()) for user in cert.user_ids]
    found = [re.search(r"Debian ([A-Za-z ]+) Key \((\d+/\w+)\)", owner) for owner in owners]
    kinds = {"Archive Automatic Signing", "Security Archive Automatic Signing", "Stable Release"}
    assert {match.groups() for match in found if match} == {
        (kind, release) for kind in kinds for release in ("11/bullseye", "12/bookworm", "13/trixie")
    }
    assert len(owners) == 9


def test_the_keyring_says_where_it_comes_from():
    note = (files("nixrepro.resolve") / "keyrings/README").read_text()
    assert hashlib.sha256(keyring()).hexdigest() in note


@pytest.mark.parametrize("file", SIGNED, ids=lambda file: file.stem)
def test_real_signatures_are_valid(file):
    assert len(SIGNED) == 2
    text = signed_text(file.read_bytes(), keyring(), file.name)
    assert text.startswith(b"Origin: Debian\n")
    assert b"PGP" not in text
    then = datetime(2026, 11, 22, tzinfo=UTC)
    found = release.parse(text, file.stem, now=then)
    size, sha256 = found.files["main/binary-amd64/Packages.xz"]
    assert size > 100_000
    assert re.fullmatch("[0-9a-f]{64}", sha256)
    assert found.by_hash


@pytest.mark.parametrize("file", SIGNED, ids=lambda file: file.stem)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_changed_byte_of_a_real_index_is_noticed(file, share):
    data = bytearray(file.read_bytes())
    end = data.index(b"-----BEGIN PGP SIGNATURE")
    at = int(end * share)
    data[at] = ord("x") if data[at] != ord("x") else ord("y")
    with pytest.raises(ResolveError, match="content is not what was signed"):
        signed_text(bytes(data), keyring(), file.name)


def test_a_real_index_with_a_key_of_someone_else_is_refused(key):
    with pytest.raises(ResolveError, match="keys that are not in the keyring"):
        signed_text(SIGNED[0].read_bytes(), key.public, "here")


def test_a_broken_signature_block_is_refused():
    data = SIGNED[0].read_bytes()
    at = data.index(b"-----BEGIN PGP SIGNATURE") + 400
    with pytest.raises(ResolveError, match="not to be trusted"):
        signed_text(data[:at] + b"!!" + data[at + 2 :], keyring(), "here")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Codename: sid\n",
        b"Codename: sid\nDate: soon\nSHA256:\n a b c\n",
        b"Codename: sid\nDate: Sat, 07 Mar 2020 10:00:00 UTC\nSHA256:\n ../../x 1 file\n",
    ],
)
def test_a_release_that_cannot_be_read_is_an_error(text):
    with pytest.raises(ResolveError, match="the index of sid can't be read"):
        release.parse(text, "sid", now=datetime.now(UTC))

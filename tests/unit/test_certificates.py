"""Which certificate authorities are trusted."""

from __future__ import annotations

from pathlib import Path

import certifi
import pytest

from nixrepro.certificates import trust
from nixrepro.errors import FetchError


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A file with a single certificate."""
    first = Path(certifi.where()).read_text(encoding="ascii").split("-----END CERTIFICATE-----")[0]
    file = tmp_path / "one.pem"
    file.write_text(first + "-----END CERTIFICATE-----\n", encoding="ascii")
    return file


def count(cert: str, **environ: str) -> int:
    return trust(cert, environ).cert_store_stats()["x509_ca"]


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_user_s_certificates_are_the_only_ones(one, name):
    assert count("", **{name: str(one)}) == 1


def test_pip_s_come_before_those_of_the_variables(one):
    assert count(str(one), SSL_CERT_FILE=certifi.where()) == 1


def test_a_machine_without_any_still_trusts_certifi_s(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert count("") > 50


def test_what_can_not_be_read_is_named(tmp_path):
    for text in (None, "no certificate"):
        file = tmp_path / "ca.pem"
        if text:
            file.write_text(text, encoding="ascii")
        with pytest.raises(FetchError, match=r"ca\.pem"):
            trust(str(file), {})

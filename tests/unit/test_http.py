"""The HTTP client, against a server that fails as real ones do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nixrepro import certificates
from nixrepro.errors import Exit, FetchError
from nixrepro.http import Http, HttpError


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def http(waits):
    client = Http(timeout=0.5, sleep=waits.append)
    yield client
    client.close()


def test_get_returns_the_body(server, http):
    server.files["/x"] = b"body"
    assert http.get(f"{server.url}/x") == b"body"


def test_ask_tells_the_type_without_its_parameters(server, http):
    server.files["/x"] = b"{}"
    server.types["/x"] = "Application/JSON; charset=utf-8"
    answer = http.ask(f"{server.url}/x", accept="application/json")
    assert answer.content_type == "application/json"
    assert server.headers[-1]["Accept"] == "application/json"
    assert server.headers[-1]["User-Agent"].startswith("nixrepro/")


def test_a_500_is_asked_again_with_growing_pauses(server, http, waits):
    server.files["/x"] = b"late"
    server.faults["/x"] = ["500", "503", "429"]
    assert http.get(f"{server.url}/x") == b"late"
    assert waits == [0.5, 1.0, 2.0]


def test_tries_come_to_an_end(server, http, waits):
    server.faults["/x"] = ["500"] * 9
    with pytest.raises(HttpError) as caught:
        http.get(f"{server.url}/x")
    assert caught.value.status == 500
    assert server.count("/x") == 4
    assert len(waits) == 3


def test_a_404_is_not_asked_again(server, http):
    with pytest.raises(HttpError, match="404 Not Found") as caught:
        http.get(f"{server.url}/none")
    assert server.count("/none") == 1
    assert caught.value.code is Exit.FETCH


def test_silence_is_an_error_that_says_so(server, http):
    server.files["/x"] = b"x"
    server.faults["/x"] = ["slow 2"] * 4
    with pytest.raises(HttpError, match="no answer in time") as caught:
        http.get(f"{server.url}/x")
    assert caught.value.hint


def test_a_refused_connection_names_the_url(server, http):
    url = server.url
    server.close()
    with pytest.raises(HttpError) as caught:
        http.get(f"{url}/x")
    assert url in caught.value.message
    assert caught.value.status == 0


def test_a_password_is_never_shown(server, http):
    url = server.url.replace("http://", "http://me:hunter2@")
    with pytest.raises(HttpError) as caught:
        http.get(f"{url}/none")
    assert "hunter2" not in f"{caught.value.message}{caught.value.url}"


@pytest.mark.parametrize("url", ["ftp://mirror.example/x", "http://", "nonsense"])
def test_a_url_that_is_none_is_an_error_at_once(http, waits, url):
    with pytest.raises(HttpError):
        http.get(url)
    assert waits == []


def test_stream_goes_on_where_it_was_cut(server, http):
    server.files["/x"] = b"0123456789"
    with http.stream(f"{server.url}/x", offset=4) as stream:
        assert (stream.offset, stream.total) == (4, 10)
        assert b"".join(stream.chunks) == b"456789"


def test_stream_begins_anew_where_the_server_can_not_go_on(server, http):
    server.files["/x"] = b"0123456789"
    server.faults["/x"] = ["no-range"]
    with http.stream(f"{server.url}/x", offset=4) as stream:
        assert (stream.offset, stream.total) == (0, 10)
        assert b"".join(stream.chunks) == b"0123456789"


def test_a_broken_stream_is_an_error(server, http):
    server.files["/x"] = b"0123456789"
    server.faults["/x"] = ["cut 3"]
    got = []
    with pytest.raises(HttpError) as caught, http.stream(f"{server.url}/x") as stream:
        got.extend(stream.chunks)
    assert b"".join(got) == b"012"
    assert caught.value.again


def test_a_bad_proxy_is_named_as_the_trouble(http):
    proxied = Http(proxy="http://127.0.0.1:9", tries=1)
    with pytest.raises(HttpError):
        proxied.get("http://mirror.example/x")


def test_file_urls(tmp_path: Path, http):
    file = tmp_path / "a b~c.deb"
    file.write_bytes(b"0123456789")
    assert http.get(file.as_uri()) == b"0123456789"
    with http.stream(file.as_uri(), offset=7) as stream:
        assert (stream.offset, stream.total) == (7, 10)
        assert b"".join(stream.chunks) == b"789"


def test_a_folder_is_its_index_page(tmp_path: Path, http):
    (tmp_path / "index.html").write_bytes(b"page")
    assert http.get(tmp_path.as_uri() + "/") == b"page"


def test_many_threads_share_one_client(server, http, monkeypatch):
    made = []

    def slowly(cert):
        made.append(cert)
        time.sleep(0.05)
        return trust(cert)

    trust = certificates.trust
    monkeypatch.setattr(certificates, "trust", slowly)
    server.files["/x"] = b"body"
    with ThreadPoolExecutor(8) as pool:
        bodies = list(pool.map(http.get, [f"{server.url}/x"] * 8))
    assert bodies == [b"body"] * 8
    assert len(made) == 1


def test_a_file_that_can_not_be_read_is_named(http):
    with pytest.raises(HttpError, match="file:///proc/self/mem: Input/output error"):
        http.get("file:///proc/self/mem")


def test_what_the_reader_of_a_file_raises_is_its_own(tmp_path: Path, http):
    file = tmp_path / "file"
    file.write_bytes(b"body")
    with pytest.raises(OSError, match="full"), http.stream(file.as_uri()) as stream:
        assert next(stream.chunks) == b"body"
        raise OSError(28, "full")


def test_a_missing_file_is_a_404(tmp_path: Path, http):
    with pytest.raises(HttpError) as caught:
        http.get((tmp_path / "none").as_uri())
    assert caught.value.status == 404


def test_certificates_that_can_not_be_read_are_named(tmp_path: Path):
    missing = tmp_path / "ca.pem"
    with pytest.raises(FetchError, match=r"ca\.pem") as caught:
        Http(cert=str(missing)).get("https://mirror.example/")
    assert "cert" in caught.value.hint

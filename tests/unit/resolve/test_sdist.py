"""What an sdist says it needs to be built."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from nixrepro.errors import FetchError, ResolveError
from nixrepro.http import Http
from nixrepro.resolve.sdist import build_requirements, requires

FLIT = '[build-system]\nrequires = ["flit_core >=3"]\nbuild-backend = "flit_core.buildapi"\n'


def packed(name: str, files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    if name.endswith(".zip"):
        with zipfile.ZipFile(out, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def ask(tmp_path: Path, name: str, body: bytes, sha256: str = "") -> tuple[str, ...]:
    (tmp_path / name).write_bytes(body)
    return build_requirements(Http(), name, (tmp_path / name).as_uri(), sha256)


@pytest.mark.parametrize("name", ["a-1.tar.gz", "a-1.zip"])
def test_the_top_pyproject_counts(tmp_path, name):
    files = {"a-1/x/pyproject.toml": "[wrong", "a-1/pyproject.toml": FLIT, "pyproject.toml": "["}
    assert ask(tmp_path, name, packed(name, files)) == ("flit_core >=3",)


@pytest.mark.parametrize("name", ["a-1.tar.gz", "a-1.zip"])
def test_without_one_setuptools_builds(tmp_path, name):
    assert ask(tmp_path, name, packed(name, {"a-1/setup.py": ""})) == ("setuptools", "wheel")


def test_an_archive_may_begin_with_a_dot(tmp_path):
    body = packed("a.tar.gz", {"./a-1/pyproject.toml": FLIT})
    assert ask(tmp_path, "a-1.tar.gz", body) == ("flit_core >=3",)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        (None, ("setuptools", "wheel")),
        ("[project]\nname = 'a'\n", ("setuptools", "wheel")),
        ("[build-system]\nrequires = []\nbuild-backend = 'backend'\n", ()),
        ("[build-system]\nrequires = ['setuptools>=61']\n", ("setuptools>=61", "wheel")),
        (
            "[build-system]\nrequires = ['setuptools', 'Wheel<1']\n"
            "build-backend = 'setuptools.build_meta'\n",
            ("setuptools", "Wheel<1"),
        ),
        (
            "[build-system]\nrequires = ['meson-python']\nbuild-backend = 'mesonpy'\n",
            ("meson-python", "ninja"),
        ),
    ],
)
def test_what_backends_ask_for_later_is_there_too(text, needs):
    assert requires(text, "a-1.tar.gz") == needs


@pytest.mark.parametrize(
    "text",
    ["[", "build-system = 3", "[build-system]\nrequires = 3", "[build-system]\nrequires = ['=']"],
)
def test_a_pyproject_that_can_not_be_used_is_named(text):
    with pytest.raises(ResolveError, match=r"a-1\.tar\.gz"):
        requires(text, "a-1.tar.gz")


@pytest.mark.parametrize("name", ["a-1.tar.gz", "a-1.zip"])
def test_a_damaged_archive_is_named(tmp_path, name):
    whole = packed(name, {"a-1/big": "x" * 10_000, "a-1/pyproject.toml": FLIT})
    for body in (b"", b"nonsense", whole[: len(whole) // 2]):
        with pytest.raises(ResolveError, match="can't be read"):
            ask(tmp_path, name, body)


def test_text_that_is_no_utf_8_is_named(tmp_path):
    body = packed("a-1.zip", {"a-1/pyproject.toml": "@"}).replace(b"@", b"\xff")
    with pytest.raises(ResolveError, match="can't be read"):
        ask(tmp_path, "a-1.zip", body)


def test_a_server_that_stumbles_is_asked_again(server):
    name = "a-1.tar.gz"
    body = packed(name, {"a-1/pyproject.toml": FLIT})
    server.files[f"/{name}"] = body
    # The part that came before the break must not stay in front.
    server.faults[f"/{name}"] = ["503", "cut 20"]
    waits: list[float] = []
    http = Http(sleep=waits.append)
    digest = hashlib.sha256(body).hexdigest()
    assert build_requirements(http, name, f"{server.url}/{name}", digest) == ("flit_core >=3",)
    assert len(waits) == 2
    http.close()


def test_another_file_than_the_index_said_is_refused(tmp_path):
    body = packed("a-1.tar.gz", {"a-1/pyproject.toml": FLIT})
    right = hashlib.sha256(body).hexdigest()
    assert ask(tmp_path, "a-1.tar.gz", body, right)
    with pytest.raises(FetchError, match=right):
        ask(tmp_path, "a-1.tar.gz", body, "0" * 64)

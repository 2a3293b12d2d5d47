"""What a source distribution needs to be built, as its own pyproject.toml says."""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from nixrepro.errors import FetchError, ResolveError
from nixrepro.http import Http
from nixrepro.urls import public

LEGACY = ("setuptools", "wheel")
# What a backend asks for only when it is run, which at lock time it is not.
_ASKED_LATER = {
    "setuptools.build_meta": ("wheel",),
    "setuptools.build_meta:__legacy__": ("wheel",),
    "mesonpy": ("ninja",),
    "scikit_build_core.build": ("cmake", "ninja"),
    "scikit_build_core.setuptools.build_meta": ("cmake", "ninja"),
    "maturin": ("maturin",),
}
_LARGEST = 1 << 20
_DAMAGE = (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error)


def build_requirements(http: Http, name: str, url: str, sha256: str) -> tuple[str, ...]:
    """The PEP 508 lines of the wheels that must be there to build an sdist.

    Args:
        http: fetches the file.
        name: its name as published; the ending says which kind of archive it is.
        url: where it is.
        sha256: what it must be.

    Raises:
        FetchError: it can't be had, or is another file.
        ResolveError: it is no readable source distribution.
    """
    with _downloaded(http, url, sha256) as file:
        try:
            text = _from_zip(file) if name.endswith(".zip") else _from_tar(file)
        except _DAMAGE as error:
            raise ResolveError(f"the source distribution {name} can't be read: {error}") from error
    return requires(text, name)


def requires(text: str | None, name: str) -> tuple[str, ...]:
    """The build requirements that a pyproject.toml states; None where there is no such file.

    Raises:
        ResolveError: it is no TOML, or states them in another form than a list of text.
    """
    import tomli
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        system: Any = tomli.loads(text or "").get("build-system", {})
        asked = system.get("requires", list(LEGACY))
        known = {canonicalize_name(Requirement(line).name) for line in asked}
    except (tomli.TOMLDecodeError, InvalidRequirement, AttributeError, TypeError) as error:
        raise ResolveError(f"the pyproject.toml in {name} can't be used: {error}") from error
    backend = system.get("build-backend", "setuptools.build_meta:__legacy__")
    later = [line for line in _ASKED_LATER.get(backend, ()) if line not in known]
    return (*asked, *later)


@contextmanager
def _downloaded(http: Http, url: str, sha256: str) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:

        def read() -> str:
            digest = hashlib.sha256()
            file.seek(0)
            file.truncate()
            with http.stream(url) as stream:
                for chunk in stream.chunks:
                    digest.update(chunk)
                    file.write(chunk)
            return digest.hexdigest()

        found = http.persist(read)
        if sha256 and found != sha256:
            raise FetchError(
                f"{public(url)}: expected sha256 {sha256}, got {found}",
                hint="the file was changed or damaged on its way: try again, or another index",
            )
        file.seek(0)
        yield file


def _from_tar(file: IO[bytes]) -> str | None:
    with tarfile.open(fileobj=file) as archive:
        for member in archive:
            if member.isfile() and _is_top(member.name) and member.size <= _LARGEST:
                content = archive.extractfile(member)
                return content.read().decode("utf-8") if content else None
    return None


def _from_zip(file: IO[bytes]) -> str | None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if _is_top(member.filename) and member.file_size <= _LARGEST:
                return archive.read(member).decode("utf-8")
    return None


def _is_top(name: str) -> bool:
    path = Path(name)
    parts = [part for part in path.parts if part != "."]
    return len(parts) == 2 and parts[1] == "pyproject.toml"  # noqa: PLR2004

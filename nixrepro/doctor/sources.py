"""Facts of where artefacts come from: mirrors, indexes and the archive keyring."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from nixrepro.config import Base, Config
from nixrepro.doctor.model import Server
from nixrepro.errors import NixreproError
from nixrepro.urls import is_remote, join, local_path, public

_PATIENCE = 10.0
# Most indexes have it, and its page is a short one.
_SMALL = "wheel"
_UV = "python -m pip install uv"


def servers(
    root: Path, config: Config | None, environ: Mapping[str, str], *, network: bool
) -> Iterator[Server]:
    """The mirrors and indexes that are configured, asked only where the network may be.

    Args:
        root: the project's folder, or another one whose configuration of uv holds.
        config: the project's, if there is one that can be read.
        environ: the variables.
        network: whether to ask them.
    """
    for server, page in [*_mirrors(config, environ), *_indexes(root, environ)]:
        yield _asked(server, page, root, environ) if network and page else server


def keys() -> int | str:
    """How many certificates the archive keyring holds, or why it can't be read."""
    try:
        import pysequoia

        from nixrepro.resolve.signature import keyring

        return len(pysequoia.Cert.split_bytes(keyring()))
    except ImportError as error:
        return f"{error.name or 'a module'} is not installed"
    except Exception as error:  # the library raises no class of its own
        return str(error).split("\n")[0]


def _mirrors(config: Config | None, environ: Mapping[str, str]) -> Iterator[tuple[Server, str]]:
    from nixrepro.registries import apt

    base = config.base if config else Base()
    mirrors = apt.find(base, environ)
    for archive, suite in (("debian", base.suite), ("debian-security", f"{base.suite}-security")):
        name = "mirror" if archive == "debian" else "security mirror"
        try:
            url = mirrors.base(archive)
        except NixreproError as error:
            yield Server(name, problem=error.message, fix=error.hint), ""
        else:
            yield Server(name, public(url)), f"{url}/dists/{suite}/InRelease"


def _indexes(root: Path, environ: Mapping[str, str]) -> Iterator[tuple[Server, str]]:
    from nixrepro.registries import python

    try:
        found = python.load(root, environ)
    except ImportError:
        yield Server("index", problem="uv, which is asked for it, is missing", fix=_UV), ""
        return
    except NixreproError as error:
        said = error.details.split("\n")[0] or error.message
        yield Server("index", problem=said, fix=error.hint), ""
        return
    for number, url in enumerate(found.indexes):
        name = "index" if len(found.indexes) == 1 else f"index {number + 1}"
        yield Server(name, public(url)), join(url, f"{_SMALL}/")
    for place in found.find_links:
        yield Server("links", public(place)), ""
    if not found.indexes and not found.find_links:
        problem = "pip and uv are told of no index"
        yield Server("index", problem=problem, fix="export UV_DEFAULT_INDEX=URL"), ""


def _asked(server: Server, page: str, root: Path, environ: Mapping[str, str]) -> Server:
    from nixrepro.http import Http, HttpError
    from nixrepro.registries import python

    cert, proxy = "", ""
    if server.name.startswith("index"):
        told = python.load(root, environ)
        cert, proxy = told.cert, told.proxy
    begun = time.monotonic()
    try:
        Http(cert=cert, proxy=proxy, tries=1, timeout=_PATIENCE).get(page)
    except HttpError as error:
        # An index need not have every distribution: it answered.
        there = is_remote(server.url) or local_path(server.url).is_dir()
        if error.status == HTTPStatus.NOT_FOUND and server.name.startswith("index") and there:
            return replace(server, seconds=time.monotonic() - begun)
        fix = error.hint or "see that this URL is the right one for the suite or index"
        return replace(server, problem=error.reason, fix=fix)
    return replace(server, seconds=time.monotonic() - begun)

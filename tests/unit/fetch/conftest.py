"""A real Nix store of its own for each test, and artefacts to put there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from nixrepro.fetch import Places
from nixrepro.http import Http
from nixrepro.lock import Artefact, Lock
from nixrepro.nix import Nix
from nixrepro.registries.apt import Mirrors
from nixrepro.registries.python import Registries


class RealStore(Nix):
    """The tool's own Nix, on a store below a folder."""

    @property
    def root(self) -> Path:
        return Path(self.variables["NIX_REMOTE"].removeprefix("local?root="))

    def content(self, path: str) -> bytes:
        return (self.root / path.lstrip("/")).read_bytes()

    def names(self) -> list[str]:
        folder = self.root / "nix/store"
        found = folder.iterdir() if folder.is_dir() else []
        return sorted(path.name[33:] for path in found if path.name != ".links")


@pytest.fixture
def store(tmp_path: Path) -> RealStore:
    return RealStore(variables={"NIX_REMOTE": f"local?root={tmp_path / 'root'}"})


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "artefacts"


@pytest.fixture
def wheel() -> Callable[..., Artefact]:
    """Makes an artefact of a body; more fields as keywords."""

    def make(name: str, body: bytes, **fields: object) -> Artefact:
        known: dict[str, object] = {
            "layer": "wheels",
            "name": name,
            "version": "1",
            "kind": "wheel",
            "role": "",
            "file": f"{name}-1-py3-none-any.whl",
            "size": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "archive": "",
            "location": "",
        }
        return Artefact(**{**known, **fields})

    return make


@pytest.fixture
def lock() -> Callable[..., Lock]:
    return lambda *artefacts: Lock("3.11.2", "2.36", {}, tuple(artefacts))


@pytest.fixture
def places(tmp_path: Path, server) -> Callable[..., Places]:
    """Makes the places: a quick client, and an index, links or mirror as they are named."""

    def make(**fields: object) -> Places:
        http = Http(timeout=5, sleep=lambda _: None)
        registries = Registries(
            tuple(fields.pop("indexes", ())), tuple(fields.pop("find_links", ()))
        )
        mirrors = fields.pop("mirrors", Mirrors())
        return Places(
            http, tmp_path, registries=lambda: registries, mirrors=lambda: mirrors, **fields
        )

    return make

"""Runs of a test's own, as sides of an explanation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nixrepro.diff.model import LAYERS, Difference, Part, Results
from nixrepro.explain.model import Unit
from nixrepro.explain.sides import Side
from nixrepro.lock import Artefact, Lock, dumps
from nixrepro.record import Record

from ..diff.conftest import DOCUMENT

# Leaf 7's bits that decide: AVX2 is bit 5 of EBX, AVX-512's foundation bit 16.
PLAIN = "00000007  0 00000000 00000020 00000000 00000000"
WIDE = "00000007  0 00000000 00010020 00000000 00000000"
Edit = Callable[[dict[str, Any]], None]
MakeSide = Callable[..., Side]


def wheel(name: str, version: str, sha256: str) -> Artefact:
    """A wheel of a lock."""
    file = f"{name}-{version}-py3-none-any.whl"
    return Artefact("wheels", name, version, "wheel", "", file, 1, sha256 * 64, "", "")


def deb(name: str, version: str, sha256: str, *dependencies: str) -> Artefact:
    """A package of a lock."""
    file = f"{name}_{version}_amd64.deb"
    place = f"pool/main/{name}/{file}"
    return Artefact(
        "system", name, version, "deb", "", file, 1, sha256 * 64, "debian", place,
        dependencies=dependencies,
    )  # fmt: skip


def data(name: str, sha256: str) -> Artefact:
    """A data file of a lock."""
    return Artefact("data", name, "", "file", "", name, 1, sha256 * 64, "", "", path=name)


def lock(*artefacts: Artefact) -> Lock:
    """A lock of some artefacts."""
    return Lock("3.11.2", "2.36", {"record-urls": False}, artefacts)


@pytest.fixture
def side(tmp_path: Path) -> MakeSide:
    """Makes a side: `edit` changes its record's document."""

    def make(name: str, edit: Edit | None = None, *artefacts: Artefact, **more: Any) -> Side:
        document = copy.deepcopy(DOCUMENT)
        document["id"] = name.lower() * 64
        if edit:
            edit(document)
        found = lock(*artefacts)
        return Side(
            name,
            Record(tmp_path / name, document),
            **{"lock": found, "text": dumps(found), "project": "[project]\n", **more},
        )

    return make


def difference(**parts: Part) -> Difference:
    """What `nixrepro diff` found: nothing, but for some parts."""
    return Difference("a", "b", tuple(parts.get(layer, Part(layer)) for layer in LAYERS), Results())


def unit(key: str, **more: Any) -> Unit:
    """A difference by its key alone."""
    return Unit(key.partition(".")[0], key, more.pop("label", key), **more)

"""Locks of made-up packages, and what these state, as the tests of mixing need them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from nixrepro.lock import Artefact, Lock, order
from nixrepro.mixing.stated import Stated, of_control, of_metadata

Fields = Mapping[str, str]


def deb(name: str, version: str, *needs: str, role: str = "") -> Artefact:
    file = f"{name}_{version.rpartition(':')[2]}_amd64.deb"
    return Artefact(
        "system", name, version, "deb", role, file, 1, digest(file), "debian",
        f"pool/main/{file}", dependencies=tuple(sorted(needs)),
    )  # fmt: skip


def wheel(
    name: str, version: str, *needs: str, tag: str = "py3-none-any", role: str = ""
) -> Artefact:
    file = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    return Artefact(
        "wheels", name, version, "wheel", role, file, 1, digest(file), "", "",
        dependencies=tuple(sorted(needs)),
    )  # fmt: skip


def sdist(name: str, version: str, *build: str) -> Artefact:
    file = f"{name}-{version}.tar.gz"
    return Artefact(
        "wheels", name, version, "sdist", "", file, 1, digest(file), "", "", build=build
    )


def lock(*artefacts: Artefact, python: str = "3.11.2", glibc: str = "2.36") -> Lock:
    return Lock(python, glibc, {"data": {}}, tuple(sorted(artefacts, key=order)))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class States:
    """What artefacts state, by name and version; a wheel's Requires-Dist come as `Requires`."""

    def __init__(self, fields: Mapping[tuple[str, str], Fields]) -> None:
        self._fields = fields
        self.asked: list[str] = []

    def __call__(self, artefact: Artefact) -> Stated:
        self.asked.append(artefact.file)
        found: dict[str, Any] = dict(self._fields.get((artefact.name, artefact.version), {}))
        if artefact.kind == "deb":
            return of_control(artefact, found)
        required = [line for line in found.get("Requires", "").split("\n") if line]
        return of_metadata(artefact, required, found.get("Python", ""), ("3.11.2", "3.13.5"))

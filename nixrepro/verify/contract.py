"""What a run may touch, and which layer of an environment a file belongs to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nixrepro.verify.uses import Kind, Use

_ALWAYS = ("/proc", "/sys", "/dev")
_STORE = "/nix/store/"


@dataclass(frozen=True)
class Contract:
    """The places that a run may use.

    Args:
        closure: store paths: the environment's closure, the two files of a run, declared data.
        folders: the project and the temporary folder, by each of their names.
    """

    closure: frozenset[str]
    folders: tuple[str, ...]

    def outside(self, use: Use) -> bool:
        """Whether a use breaks the contract."""
        if not use.found or use.kind is Kind.HIDE:
            return False
        if use.kind is Kind.CONNECT:
            return not (use.subject.startswith("/") and self._open(use.subject))
        if store_root(use.subject) in self.closure:
            return use.kind is Kind.WRITE  # the store is never written
        if use.kind is Kind.MAP:
            return True
        if self._open(use.subject):
            return False
        return not (use.named and self._leads(use.subject))

    def _open(self, path: str) -> bool:
        return any(_within(path, folder) for folder in (*_ALWAYS, *self.folders))

    def _leads(self, path: str) -> bool:
        """Whether a folder is on the way to one that may be used."""
        return any(_within(folder, path) for folder in (_STORE + "x", *_ALWAYS, *self.folders))


def contract(
    facts: Mapping[str, Any], files: tuple[str, ...], folders: tuple[str, ...]
) -> Contract:
    """The contract of a run.

    Args:
        facts: the environment's facts.
        files: more files of the store: the facts and the settings themselves, and data.
        folders: the project and the temporary folder.
    """
    closure = {entry["path"] for entry in facts["closure"]} | set(map(store_root, files))
    names = {name for folder in folders for name in (folder, os.path.realpath(folder))}
    return Contract(frozenset(closure - {""}), tuple(sorted(names)))


@dataclass(frozen=True)
class Place:
    """Where code is: its layer, and the file in words."""

    layer: str
    said: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Layers:
    """Finds the layer of a file by the environment's facts."""

    root: str
    packages: Mapping[str, tuple[str, str]]
    library: str

    def place(self, path: str, line: int = 0) -> Place:
        """Where a file of code belongs."""
        real = os.path.realpath(path)
        inside = os.path.relpath(real, self.root)
        if not inside.startswith(".."):
            return Place("code", f"{inside}, line {line}" if line else inside, inside, line)
        base = store_root(real)
        name = os.path.basename(real)
        if base in self.packages:
            layer, package = self.packages[base]
            return Place(layer, f"{name} of {package}")
        if base:
            kept = base.removeprefix(_STORE).partition("-")[2]
            return Place("" if kept == "nixrepro-runtime" else "system", f"{name} of {kept}")
        return Place("", f"{path}, which is the host's")

    def passing(self, path: str) -> bool:
        """Whether a file of Python only does what its caller says: its library, or this runtime."""
        real = os.path.realpath(path)
        base = store_root(real)
        own = base.endswith(("-nixrepro-runtime", "-nixrepro-system-debian"))
        return own or self.packages.get(base, ("", ""))[0] == "system"


def layers(facts: Mapping[str, Any], root: str) -> Layers:
    """The layers of an environment's packages, by their store paths."""
    packages = {
        entry["path"]: (layer, f"{entry['name']} {entry['version']}")
        for layer in ("system", "accelerator", "wheels")
        for entry in facts["layers"].get(layer, [])
    }
    return Layers(os.path.realpath(root), packages, facts["system"])


def store_root(path: str) -> str:
    """The store path that a file is in; empty where it is not in the store."""
    if not path.startswith(_STORE):
        return ""
    return _STORE + path[len(_STORE) :].split("/", 1)[0]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")

"""The entries in which two locks differ: what of one could be taken from the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nixrepro.lock import LAYERS, Artefact, Lock

BOOTSTRAP = "bootstrap"


@dataclass(frozen=True)
class Entry:
    """One thing in which two locks differ.

    Args:
        layer: as in the lock.
        name: of the package, distribution or data.
        role: as in the lock.
        old: what the first lock has of that name: one artefact, or none.
        new: what the second one has.
    """

    layer: str
    name: str
    role: str
    old: tuple[Artefact, ...]
    new: tuple[Artefact, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is, among all entries."""
        return (self.layer, self.role, self.name)

    @property
    def moves(self) -> str:
        """Its versions, such as "2.36-9 -> 2.41-12"; "added" or "removed" with the one it has."""
        old, new = _versions(self.old), _versions(self.new)
        if not old or not new:
            return f"{new} added" if new else f"{old} removed"
        return f"{old} -> {new}" if old != new else f"{old}, another file"


def entries(a: Lock, b: Lock) -> tuple[Entry, ...]:
    """The entries that can change what a run computes, in the order of a lock.

    What unpacks (the bootstrap) changes no file that it unpacks, unless its Python is another one:
    then it belongs to it. What watches runs is in none. What a distribution is built with belongs
    to that distribution.
    """
    counted = {"", BOOTSTRAP} if minor(a) != minor(b) else {""}
    return _differing(a, b, lambda role: role in counted)


def uncounted(a: Lock, b: Lock) -> tuple[Entry, ...]:
    """The entries that differ and can change no number; a mixed lock has those of the first."""
    counted = {each.key for each in entries(a, b)}
    built = {key for key in (each.key for each in _differing(a, b, lambda role: role == "build"))}
    found = _differing(a, b, lambda role: True)
    return tuple(each for each in found if each.key not in counted | built)


def minor(lock: Lock) -> str:
    """The Python of a lock as its packages are called: "3.11"."""
    return ".".join(lock.python.split(".")[:2])


def _differing(a: Lock, b: Lock, counted: Callable[[str], bool]) -> tuple[Entry, ...]:
    before, after = _by_key(a), _by_key(b)
    found = []
    for key in sorted(before.keys() | after.keys(), key=lambda key: (LAYERS.index(key[0]), key)):
        old, new = before.get(key, ()), after.get(key, ())
        layer, role, name = key
        if counted(role) and _content(old) != _content(new):
            found.append(Entry(layer, name, role, old, new))
    return tuple(found)


def _by_key(lock: Lock) -> dict[tuple[str, str, str], tuple[Artefact, ...]]:
    found: dict[tuple[str, str, str], tuple[Artefact, ...]] = {}
    for each in lock.artefacts:
        key = (each.layer, each.role, each.name)
        found[key] = (*found.get(key, ()), each)
    return found


def _content(artefacts: tuple[Artefact, ...]) -> set[tuple[str, tuple[str, ...]]]:
    """A file, under its name in the store, and for a source distribution what builds it."""
    return {(each.file + each.sha256, each.build) for each in artefacts}


def _versions(artefacts: tuple[Artefact, ...]) -> str:
    return ", ".join(each.version or each.sha256[:12] for each in artefacts)

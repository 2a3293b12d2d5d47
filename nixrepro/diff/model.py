"""What a side knows of each layer, and what two sides differ in; frozen values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nixrepro.closure import Closure
from nixrepro.record import Record

LAYERS = ("hardware", "system", "accelerator", "wheels", "data", "code", "settings")
# Not a layer: store paths that no layer names, such as the merged tree and the runtime.
STORE = "store"
# The role of what flake.lock pins.
INPUT = "flake input"
ARTEFACTS = ("system", "accelerator", "wheels", "data")
CHANGED, CONTENT, ADDED, REMOVED = "changed", "content", "added", "removed"


@dataclass(frozen=True)
class Unknown:
    """A value that can't be known, and why."""

    reason: str


@dataclass(frozen=True)
class Package:
    """One artefact of a layer, or one store path.

    Args:
        name: of the package, the distribution, the data or the store path.
        version: "" where it has none.
        role: as in a lock; "" is what the environment holds.
        sha256: of the artefact; "" where it is not known.
        nar_hash: of what it became in the store; "" where it is not known.
        path: its store path; "" where it is not known.
    """

    name: str
    version: str = ""
    role: str = ""
    sha256: str = ""
    nar_hash: str = ""
    path: str = ""


@dataclass(frozen=True)
class Code:
    """The code that ran, or that a revision holds.

    Args:
        commit: its id.
        tree: the Git tree, with what was not committed.
        patch: the file with what was not committed; "" for none.
        large: what the tree doesn't hold: untracked files with their SHA-256, submodules that were
            not at their commit, files of which only the pointer was there.
        names: what people call the commit, and where it comes from.
    """

    commit: str | Unknown
    tree: str | Unknown
    patch: str = ""
    large: Mapping[str, str | Unknown] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Side:
    """One of two things that are compared, by what it knows.

    Args:
        name: what it is, as a person reads it.
        kind: run, lock, revision, path or environment.
        packages: of each layer of artefacts that it knows.
        facts: hardware and settings as flat tables, where it knows them.
        code: the code, where it knows it.
        unknown: why it doesn't know a layer, or a key of one, as `settings.folder`.
        closure: the store paths, where it knows them.
        roles: whether it knows the artefacts that are not in the environment.
        record: the run's.
        about: a few words more for a person.
    """

    name: str
    kind: str
    packages: Mapping[str, tuple[Package, ...]] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    code: Code | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)
    closure: Closure | None = None
    roles: bool = False
    record: Record | None = None
    about: str = ""


@dataclass(frozen=True)
class Change:
    """One thing that differs.

    Args:
        subject: its name or key.
        kind: changed, content (same version, other content), added or removed.
        old: of the first side; None where it isn't there.
        new: of the second side; None where it isn't there.
        detail: more of it, such as the shared objects that changed.
    """

    subject: str
    kind: str
    old: Any = None
    new: Any = None
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What differs in one layer.

    Args:
        layer: its name, or `store`.
        changes: one for each thing that differs.
        unknown: what could not be compared, and why.
        text: the code's difference, as `git diff` writes it.
    """

    layer: str
    changes: tuple[Change, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Results:
    """How the results of two runs differ.

    Args:
        metrics: name, both values and their difference (None where there is none), for each.
        weights: the digests of the final weights.
        tensors: names of the final tensors that differ, and how many there are.
        parting: the first place where they part, as a sentence part; "" for none.
        values: what either run has there.
        same: whether all that both recorded is equal.
        unknown: why they can't be compared; "" where they can.
    """

    metrics: tuple[tuple[str, Any, Any, float | None], ...] = ()
    weights: tuple[str, str] = ("", "")
    tensors: tuple[tuple[str, ...], int] = ((), 0)
    parting: str = ""
    values: tuple[str, str] = ("", "")
    same: bool = True
    unknown: str = ""


@dataclass(frozen=True)
class Difference:
    """What two sides differ in, layer by layer from hardware to settings, and in their results.

    Args:
        a: the first side's name.
        b: the second side's.
        parts: one for each layer, and one for the store.
        results: how their results differ.
        probe: the functions whose results differ in the probes of two runs, with what either says.
    """

    a: str
    b: str
    parts: tuple[Part, ...]
    results: Results
    probe: tuple[tuple[str, Any, Any], ...] = ()

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that differ."""
        return tuple(part.layer for part in self.parts if part.changes)

    @property
    def same(self) -> bool:
        """Whether nothing that both sides know differs."""
        return not self.layers and self.results.same and not self.probe

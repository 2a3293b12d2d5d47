"""How the data of a project stands: what is pinned, where it is, and what of it changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from nixrepro.config import Config, Data
from nixrepro.data.declared import entry
from nixrepro.errors import LockError
from nixrepro.fetch.folders import place as store_place
from nixrepro.lock import FILE, Artefact, load
from nixrepro.nix import Nix
from nixrepro.runtime.datasets import md5
from nixrepro.runtime.datasets.places import place
from nixrepro.runtime.datasets.states import look

SAME, CHANGED, ABSENT, UNKNOWN = "same", "changed", "absent", "unknown"


@dataclass(frozen=True)
class Standing:
    """One entry of data.

    Args:
        name: its name.
        kept: "store" or "reference".
        pin: the digest that is pinned.
        where: its place on this machine; "" where nobody says.
        state: same, changed, absent or unknown; of a list only whether it is there.
        optional: whether no run needs it.
        digest: what was found; "" where nothing was looked for.
        files: how many were found.
        size: bytes of all of them.
        read: how many had to be read.
        reason: why it isn't the same; "" where it is.
        changed, appeared, gone: names of files, where the pinned list is kept.
    """

    name: str
    kept: str
    pin: str
    where: str
    state: str
    optional: bool = False
    digest: str = ""
    files: int = 0
    size: int = 0
    read: int = 0
    reason: str = ""
    changed: tuple[str, ...] = ()
    appeared: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether a run that needs it would not have what is pinned."""
        return self.state != SAME and not (self.state == ABSENT and self.optional)


def verified(
    config: Config, chosen: Iterable[Data], nix: Nix, *, afresh: bool, say: Callable[[str], None]
) -> list[Standing]:
    """Look whether data is what is pinned.

    Args:
        config: the project.
        chosen: which of its data.
        nix: its store has what is not by reference.
        afresh: read every byte, whatever the cache says.
        say: told how far it is where it takes long.
    """
    return [
        _compared(config.root, data, afresh, say)
        if data.reference
        else _stored(config.root, data, nix)
        for data in chosen
    ]


def listed(config: Config, nix: Nix) -> list[Standing]:
    """All data of a project, and whether it is there; nothing is read."""
    return [
        _there(config.root, data) if data.reference else _stored(config.root, data, nix)
        for data in config.data
    ]


def _compared(root: Path, data: Data, afresh: bool, say: Callable[[str], None]) -> Standing:
    found = look(str(root), data.name, entry(data), say=say, afresh=afresh)
    state = SAME if found.same else CHANGED
    if found.found is None:
        state = ABSENT if found.missing else UNKNOWN
    changes = found.changes
    return Standing(
        name=data.name,
        kept="reference",
        pin=found.pin,
        where=found.where,
        state=state,
        optional=data.optional,
        digest=found.found.digest if found.found else "",
        files=found.found.count if found.found else 0,
        size=found.found.size if found.found else 0,
        read=found.found.read if found.found else 0,
        reason=found.sentence() or ("" if found.same else found.reason),
        changed=tuple(changes.changed) if changes else (),
        appeared=tuple(changes.appeared) if changes else (),
        gone=tuple(changes.gone) if changes else (),
    )


def _there(root: Path, data: Data) -> Standing:
    about, pin = entry(data), data.pin
    if data.dvc:
        try:
            inside, told = md5.pinned(str(root), data.dvc)
        except ValueError as error:
            return Standing(
                data.name, "reference", data.dvc, "", UNKNOWN, data.optional, reason=str(error)
            )
        about["path"], pin = inside, f"md5:{told.md5}"
    where = place(str(root), data.name, about)
    there = bool(where) and os.path.exists(where)
    return Standing(
        data.name, "reference", pin, where, SAME if there else ABSENT, optional=data.optional
    )


def _stored(root: Path, data: Data, nix: Nix) -> Standing:
    try:
        lock = load(root / FILE)
    except LockError as error:
        return Standing(
            data.name, "store", data.pin, "", UNKNOWN, data.optional, reason=error.message
        )
    artefact = next((each for each in lock.artefacts if _is(each, data)), None)
    if artefact is None:
        reason = f"{FILE} does not have it: run `nixrepro lock`"
        return Standing(data.name, "store", data.pin, "", UNKNOWN, data.optional, reason=reason)
    path = store_place(nix, artefact)
    there = bool(nix.valid([path]))
    option = f" --data {data.name}" if data.optional else ""
    return Standing(
        name=data.name,
        kept="store",
        pin=data.pin,
        where=path,
        state=SAME if there else ABSENT,
        optional=data.optional,
        digest=data.pin if there else "",
        size=artefact.size,
        reason="" if there else f"it is not in the store: run `nixrepro fetch{option}`",
    )


def _is(artefact: Artefact, data: Data) -> bool:
    pinned = artefact.digest or f"sha256:{artefact.sha256}"
    return artefact.layer == "data" and artefact.name == data.name and pinned == data.pin

"""Brings folders of data into the store, from where they lie: nothing else has them."""

from __future__ import annotations

import os
from pathlib import Path

from nixrepro.fetch.download import Store, Unavailable
from nixrepro.fetch.transfer import WrongFile
from nixrepro.lock import Artefact, store_name


def place(store: Store, artefact: Artefact) -> str:
    """The store path of an artefact, whether or not it is there."""
    name = store_name(artefact.file)
    if artefact.kind == "folder":
        return store.folder_path(name, artefact.sha256)
    return store.store_path(name, artefact.sha256)


def bring(store: Store, local: Path, artefact: Artefact) -> None:
    """Put a folder into the store.

    Args:
        store: takes it.
        local: where it lies.
        artefact: what it must be.

    Raises:
        WrongFile: it is another one than the lock names; the store has nothing of it.
        Unavailable: it is not there.
    """
    where = f"{artefact.path} of the project" if artefact.path else str(local)
    if not local.is_dir():
        raise Unavailable(
            f"the folder {artefact.name} can't be had: there is no {where}",
            hint=f"put it there, or put {artefact.file} in a folder, then: "
            "nixrepro fetch --from FOLDER",
        )
    # Nix would put a symbolic link itself into the store, not what it leads to.
    added = store.add_folder(store_name(artefact.file), Path(os.path.realpath(local)))
    if added != place(store, artefact):
        store.delete(added)
        raise WrongFile(
            f"the folder {artefact.name} is not what the lock names: in {where} there are other "
            "bytes, links or executable files",
            hint=f"`nixrepro data verify {artefact.name}` says which files changed",
        )

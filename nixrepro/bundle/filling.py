"""Puts into the store what a bundle has of a run: artefacts by their hash, or what is built."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import lock as locks
from nixrepro.bundle.manifest import CACHE, BrokenBundle
from nixrepro.bundle.reading import Bundle
from nixrepro.bundle.stage import carried, laid
from nixrepro.fetch import lacking
from nixrepro.lock import Artefact, store_name
from nixrepro.nix_store import Store
from nixrepro.record import Record

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]
# Files of so many bytes are laid out for Nix at a time: no disk need hold them all twice.
_AT_ONCE = 1 << 29


def fill(
    bundle: Bundle, record: Record, nix: Nix, *, closure: bool, say: Say, whole: bool = False
) -> None:
    """Have in the store what realising a run's environment takes.

    Args:
        bundle: the opened bundle, which was checked.
        record: its run.
        nix: the Nix whose store it is.
        closure: take what is built too, whose maker is trusted then.
        say: tells the person what is done.
        whole: all artefacts, though the environment is there.

    Raises:
        BrokenBundle: a file was changed since it was checked.
        NixreproError: the store can't be written.
    """
    path = str(record.document["environment"]["path"])
    if not nix.valid([path]) and bundle.manifest.closure:
        if closure:
            _built(bundle, nix, say)
        else:
            say("nixrepro: the bundle has what is built, too: --closure takes it, and trusts it")
    elif closure and not bundle.manifest.closure:
        say("nixrepro: the bundle has artefacts only; what is made of them is built here")
    lock = locks.parse(bundle.text(locks.FILE))
    asked = having = carried(lock, record)
    if not whole and nix.valid([path]):
        asked = [each for each in asked if each.layer == "data"]
    absent = {(each.file, each.sha256) for each in lacking(asked, nix)}
    # The names are those that all artefacts together have: some alone would have others.
    names = {n: a for n, a in laid(having).items() if (a.file, a.sha256) in absent}
    if names:
        say(f"nixrepro: putting {len(names)} files of the bundle into the store")
    batch: dict[str, Artefact] = {}
    for name, artefact in names.items():
        batch[name] = artefact
        if sum(bundle.manifest.members[each].size for each in batch) > _AT_ONCE:
            _add(bundle, batch, nix)
            batch = {}
    _add(bundle, batch, nix)


def _add(bundle: Bundle, batch: dict[str, Artefact], nix: Nix) -> None:
    if not batch:
        return
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as folder:
        files = []
        for number, (name, artefact) in enumerate(batch.items()):
            file = Path(folder) / str(number) / store_name(artefact.file)
            bundle.extract(name, file)
            files.append(file)
        added = nix.add_fixed(files)
    expected = [nix.store_path(store_name(each.file), each.sha256) for each in batch.values()]
    for path in set(added) - set(expected):
        nix.delete(path)
        raise BrokenBundle(f"{bundle.path} was changed while it was read", hint="copy it again")


def _built(bundle: Bundle, nix: Nix, say: Say) -> None:
    """Take over the closure; where Nix refuses, it is built."""
    say(f"nixrepro: taking {len(bundle.manifest.closure)} store paths from the bundle as built")
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as folder:
        cache = Path(folder) / "cache"
        if bundle.places:
            for name in bundle.names(CACHE):
                bundle.extract(name, Path(folder) / name)
        else:  # by a link: Nix takes few characters in the name of a cache
            os.symlink((bundle.path / CACHE).absolute(), cache)
        done = Store.of(nix).copy(list(bundle.manifest.closure), source=f"file://{cache}")
    if done.status != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason is given"]
        say(f"nixrepro: Nix does not take them, so they are built here: {last[0]}")

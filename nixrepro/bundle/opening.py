"""Opens a bundle to launch its run again: all of it is checked, and record and code laid out."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nixrepro import lock as locks
from nixrepro.bundle import code as codes
from nixrepro.bundle.manifest import CODE, LARGE, RECORD, BrokenBundle
from nixrepro.bundle.reading import Bundle, open_bundle
from nixrepro.bundle.stage import carried, laid
from nixrepro.record import Record, read
from nixrepro.relaunch.origin import Origin
from nixrepro.repeat import integrity
from nixrepro.repeat.home import Home
from nixrepro.runtime.folder import NAME
from nixrepro.runtime.folder import RECORD as RECORD_FILE
from nixrepro.signing import ENVELOPE
from nixrepro.verify.display import Display, Progress

Say = Callable[[str], None]


@contextmanager
def bundled(path: Path, say: Say, progress: Progress | None = None) -> Iterator[Origin]:
    """The run in a bundle, whole and checked, as long as the block runs.

    Args:
        path: the bundle's file or folder.
        say: tells the person what is done.
        progress: told how much is read; None for a person to see it.

    Raises:
        BrokenBundle: it is damaged, or its parts do not fit each other.
        RunError: its record is not as it was written.
    """
    bundle = open_bundle(path)
    bundle.check(progress or Display(f"checking {path.name}"))
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as temporary:
        folder = Path(temporary)
        record = recorded(bundle, folder / bundle.manifest.run[:NAME])
        integrity.unsound(record, "launched again")
        _fitting(bundle, record)
        home = Home(folder / "repository", bundle.manifest.project, None, folder / "large")
        for name in bundle.names(LARGE):
            bundle.extract(name, home.repository.parent / name)
        packs = []
        for name, commit in sorted(bundle.manifest.code.items()):
            if not name.startswith(CODE) or name not in bundle.manifest.members:
                raise BrokenBundle(f"{path} has no {name}")
            bundle.extract(name, folder / name)
            packs.append((folder / name, commit))
        codes.unpack(packs, home.repository)
        yield Origin(record, home, bundle)


def recorded(bundle: Bundle, folder: Path) -> Record:
    """The record in a bundle, with the files beside it, in a folder that is made.

    Raises:
        BrokenBundle: it has none, or that of another run.
    """
    if f"{RECORD}{RECORD_FILE}" not in bundle.manifest.members:
        raise BrokenBundle(f"{bundle.path} has no record")
    folder.mkdir()
    for name in bundle.names(RECORD):
        bundle.extract(name, folder / name.removeprefix(RECORD))
    record = Record(folder, read(folder / RECORD_FILE))
    if record.document["id"] != bundle.manifest.run:
        raise BrokenBundle(f"{bundle.path} has the record of another run than it says")
    return record


def _fitting(bundle: Bundle, record: Record) -> None:
    """See that lock and artefacts are those of the record, and that nothing else is there."""
    text = bundle.text(locks.FILE)
    stated = record.document["environment"].get("lock")
    if hashlib.sha256(text.encode()).hexdigest() != stated:
        raise BrokenBundle(f"{bundle.path}: {locks.FILE} is not the one that its record states")
    names = {
        f"{RECORD}{name}" for name in (RECORD_FILE, ENVELOPE, *integrity.files(record.document))
    }
    if odd := sorted(set(bundle.names(RECORD)) - names):
        raise BrokenBundle(f"{bundle.path}: its record says nothing of {odd[0]}")
    lock = locks.parse(text, f"{locks.FILE} in {bundle.path.name}")
    for name, artefact in laid(carried(lock, record)).items():
        known = bundle.manifest.members.get(name)
        if known is None:
            raise BrokenBundle(f"{bundle.path} lacks {artefact.file}, which its lock names")
        if known.sha256 != artefact.sha256:
            raise BrokenBundle(f"{bundle.path}: {artefact.file} is not the one of its lock")

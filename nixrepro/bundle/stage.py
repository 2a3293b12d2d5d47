"""Makes a bundle of a run: its record, locks, code and artefacts, and what is built if asked."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import config as configs
from nixrepro import flake_lock
from nixrepro import lock as locks
from nixrepro.bundle import code as codes
from nixrepro.bundle.manifest import ARTEFACTS, CACHE, CODE, LARGE, RECORD, Manifest, Member
from nixrepro.bundle.manifest import written as manifest_bytes
from nixrepro.bundle.sources import Progress, Source, of_file
from nixrepro.bundle.writing import check_target, write
from nixrepro.errors import NixreproError, RunError
from nixrepro.fetch import bring, wanted
from nixrepro.lock import Artefact, Lock, store_name
from nixrepro.nix_store import Store
from nixrepro.record import Record
from nixrepro.repeat import integrity, place, realised, recipe, tree
from nixrepro.runtime.folder import RECORD as RECORD_FILE
from nixrepro.signing import ENVELOPE

if TYPE_CHECKING:
    from nixrepro.nix import Nix

Say = Callable[[str], None]


def bundle(
    root: Path,
    record: Record,
    target: Path,
    nix: Nix,
    *,
    closure: bool,
    history: bool,
    say: Say,
    progress: Progress,
) -> Manifest:
    """Write all that launching a run again needs; it is whole, or it is not there.

    Args:
        root: the project's folder.
        record: the run's.
        target: a file whose name ends in .tar, or a new folder.
        nix: the Nix whose store has the artefacts, or takes them.
        closure: take along what is built, so that nothing need be built again.
        history: take along all commits before the one that ran.
        say: tells the person what is done.
        progress: told of the bytes.

    Raises:
        NixreproError: the record is not as it was written, or something of it is not to be had.
        OSError: the bundle can't be written.
    """
    root, name = root.resolve(), tree.short(record)
    if record.document["status"] == "running":
        raise RunError(f"run {name} has not ended yet", hint="bundle it when it has")
    integrity.unsound(record, "bundled")
    check_target(target)
    with (
        place.folder(root, "bundle") as folder,
        tempfile.TemporaryDirectory(prefix="nixrepro-") as temporary,
    ):
        say(f"nixrepro: making the tree of run {name}")
        made = tree.make(tree.home(root, record), record, folder / "tree")
        lock = locks.load(made.project / locks.FILE)
        _other_inputs(made.project, say)
        sources = {
            **_record(record),
            locks.FILE: of_file(made.project / locks.FILE),
            flake_lock.FILE: of_file(made.project / flake_lock.FILE),
            **_large(record, made),
        }
        commits = _commits(record, made)
        for member, (source, commit) in commits.items():
            file = Path(temporary) / member.removeprefix(CODE)
            codes.pack(source, commit, file, history)
            sources[member] = of_file(file)
        sources |= _artefacts(root, made.project, lock, record, nix, say)
        paths: list[str] = []
        if closure:
            paths = _closure(root, made.project, record, nix, say)
            sources |= _cache(paths, Path(temporary) / "cache", nix, say)
        manifest = Manifest(
            record.document["id"],
            os.path.relpath(made.project, made.top).removeprefix("."),
            {member: commit for member, (_, commit) in commits.items()},
            history,
            tuple(paths),
            {member: source.member for member, source in sources.items()},
        )
        write(target, manifest_bytes(manifest), sources, progress)
    return manifest


def carried(lock: Lock, record: Record) -> list[Artefact]:
    """What a run's bundle has of a lock: files. A folder of data stays where it is."""
    return [each for each in wanted(lock, recipe.used(record)) if each.kind != "folder"]


def laid(artefacts: Iterable[Artefact]) -> dict[str, Artefact]:
    """Artefacts by their members' names; a second file of one name lies in a folder of its own."""
    found: dict[str, Artefact] = {}
    for each in sorted(artefacts, key=lambda a: (store_name(a.file), a.sha256)):
        member = f"{ARTEFACTS}{store_name(each.file)}"
        if found.get(member, each).sha256 != each.sha256:
            member = f"{ARTEFACTS}{each.sha256}/{store_name(each.file)}"
        found[member] = each
    return found


def _record(record: Record) -> dict[str, Source]:
    names = [RECORD_FILE, *integrity.files(record.document)]
    if (record.folder / ENVELOPE).is_file():
        names.append(ENVELOPE)
    return {f"{RECORD}{name}": of_file(record.folder / name) for name in names}


def _large(record: Record, made: tree.Tree) -> dict[str, Source]:
    """Untracked files that are too large for the patch; the tree has them."""
    found = {}
    for entry in record.document["layers"]["code"].get("large", []):
        found[f"{LARGE}{entry['sha256']}"] = of_file(made.top / entry["path"])
    return found


def _commits(record: Record, made: tree.Tree) -> dict[str, tuple[Path, str]]:
    """What to pack, by members' names: a folder with the objects, and the commit."""
    commit = record.document["layers"]["code"]["commit"]
    found = {f"{CODE}project.bundle": (made.top, commit)} if isinstance(commit, str) else {}
    for number, each in enumerate(made.submodules):
        found[f"{CODE}submodule-{number}.bundle"] = (made.top / each.path, each.commit)
    return found


def _artefacts(
    root: Path, project: Path, lock: Lock, record: Record, nix: Nix, say: Say
) -> dict[str, Source]:
    """All that the environment is made of, fetched where the store has not got it any more."""
    import dataclasses

    used = sorted({a.name for a in lock.artefacts if a.layer == "data"} & recipe.used(record))
    config = dataclasses.replace(configs.load(project), root=root)
    bring(config, lock, nix, data=used)
    store = Store.of(nix)
    found = {}
    taken = carried(lock, record)
    for each in wanted(lock, used):
        if each not in taken:
            say(
                f"nixrepro: the folder of data {each.name} is not taken along: where the bundle is "
                f"used, `--from FOLDER` names the folder that {each.file} is in"
            )
    for member, each in laid(taken).items():
        path = Path(store.place(nix.store_path(store_name(each.file), each.sha256)))
        found[member] = Source(path, Member(path.stat().st_size, each.sha256))
    return found


def _closure(root: Path, project: Path, record: Record, nix: Nix, say: Say) -> list[str]:
    """All store paths that a run is made with, realised."""
    made = realised.environment(root, project, recipe.of(record), nix, say)
    shell = os.path.realpath(project / ".nixrepro" / "roots" / "shell")
    roots = [made.path, made.facts, made.settings]
    roots += [shell] if shell.startswith("/nix/store/") else []
    return Store.of(nix).requisites(roots)


def _cache(paths: list[str], folder: Path, nix: Nix, say: Say) -> dict[str, Source]:
    """The files of a binary cache of store paths."""
    say(f"nixrepro: packing {len(paths)} store paths")
    done = Store.of(nix).copy(paths, to=f"file://{folder}?compression=zstd")
    if done.status != 0:
        raise NixreproError("the closure can't be packed", details=done.stderr[-2000:])
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {f"{CACHE}{path.relative_to(folder).as_posix()}": of_file(path) for path in files}


def _other_inputs(project: Path, say: Say) -> None:
    """Tell of flake inputs beside nixpkgs, which the Debian base never fetches."""
    try:
        nodes = json.loads((project / flake_lock.FILE).read_bytes())["nodes"]
    except (ValueError, KeyError, TypeError):
        return  # Nix will say what is wrong with it
    if others := sorted(set(nodes) - {"root", "nixpkgs"}):
        say(f"nixrepro: the flake's inputs are not taken along: {', '.join(others)}")

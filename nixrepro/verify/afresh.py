"""Builds damaged store paths again, in a store of their own, to see which of their files differ."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from nixrepro.closure import StorePath
from nixrepro.complaints import in_a_line
from nixrepro.derivations import Derivation
from nixrepro.errors import BuildError, NixreproError
from nixrepro.nar import Unreadable, hash_path
from nixrepro.nix_store import Store
from nixrepro.trees import Change, compare

# The files of a path that differ, or why that can't be said.
Seen = tuple[Change, ...] | str


def look(
    store: Store,
    derivations: Mapping[str, Derivation],
    damaged: Mapping[str, StorePath],
    absent: Collection[str],
) -> dict[str, Seen]:
    """For each damaged path, how its files differ from those of a second build.

    The store itself is only read.

    Args:
        store: where the damage is.
        derivations: what each path is made by.
        damaged: the paths as they should be.
        absent: more paths that can't be built with.
    """
    unknown = "nothing in the lock makes it"
    seen: dict[str, Seen] = {path: unknown for path in damaged if path not in derivations}
    rest = {path: item for path, item in damaged.items() if path in derivations}
    if not rest:
        return seen
    try:
        folder = os.environ.get("TMPDIR", "/var/tmp")
        with TemporaryDirectory(prefix="nixrepro-verify-", dir=folder) as name:
            try:
                return seen | _built(store, derivations, rest, absent, Path(name))
            finally:
                _open(name)
    except NixreproError as error:
        reason = error.said
    except (OSError, shutil.Error) as error:
        reason = f"no second one can be built: {error}"
    return seen | dict.fromkeys(rest, reason)


def _built(
    store: Store,
    derivations: Mapping[str, Derivation],
    damaged: Mapping[str, StorePath],
    absent: Collection[str],
    folder: Path,
) -> dict[str, Seen]:
    build, inputs = _needed(store, derivations, set(damaged), {*damaged, *absent})
    files = store.requisites([derivations[path].path for path in build])
    taken = sorted((inputs | set(files)) - build)
    for path in taken:
        _take(Path(store.place(path)), Path(f"{folder}{path}"))
    own = Store.of(store, NIX_REMOTE=f"local?root={folder}")
    own.load(store.registration(taken))
    done = own.realise(derivations[path].path for path in build)
    reason = "" if done.status == 0 else in_a_line(done)
    return {
        path: _compared(item, Path(f"{folder}{path}"), Path(store.place(path)), reason)
        for path, item in damaged.items()
    }


def _compared(item: StorePath, fresh: Path, found: Path, reason: str) -> Seen:
    """The files that differ, if the second build is what was lost."""
    try:
        if hash_path(fresh).nar_hash != item.nar_hash:
            return "a second build of it gives yet another content"
        return compare(fresh, found)
    except Unreadable:
        return reason or "a second build of it can't be read"


def _needed(
    store: Store, derivations: Mapping[str, Derivation], damaged: set[str], unsound: set[str]
) -> tuple[set[str], set[str]]:
    """What is to be built, and the sound paths that this reads.

    An input that reaches an unsound path can't be taken, so it is built too.
    """
    made = {each.path: each.output for each in derivations.values()}
    build: set[str] = set()
    more = set(damaged)
    while more:
        build |= more
        if lost := build - derivations.keys():
            raise BuildError(f"{min(lost)} is needed, and nothing in the lock makes it")
        read = {path for out in build for path in derivations[out].sources}
        read |= {made[path] for out in build for path in derivations[out].inputs}
        valid = store.valid(sorted(read))
        reached = store.registered(store.requisites(sorted(valid)))
        references = {each.item.path: set(each.references) for each in reached}
        bad = _above(references, unsound)
        more = (read - valid | bad & references.keys()) - build
    return build, references.keys() - bad


def _above(references: Mapping[str, set[str]], unsound: set[str]) -> set[str]:
    """The unsound paths, and all that reach one."""
    bad: set[str] = set()
    more = set(unsound)
    while more:
        bad |= more
        more = {path for path, below in references.items() if below & bad} - bad
    return bad


def _take(source: Path, target: Path) -> None:
    """Put a store path into another store: linked, not copied, where that can be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True, copy_function=_link)
    else:
        _link(source, target)


def _open(folder: str) -> None:
    """Let its owner remove what is in the folders of a store.

    Else the removal would change the mode of files too, which are the real store's where linked.
    """
    for place, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(path := os.path.join(place, name)):
                os.chmod(path, 0o700)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)

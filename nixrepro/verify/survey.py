"""Looks at every path of an environment's closure, and hashes it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro.closure import Closure, StorePath, of_document
from nixrepro.nar import Unreadable, hash_path
from nixrepro.nar_pool import Outcome, Pool
from nixrepro.nix_store import Store
from nixrepro.verify.display import Progress

ROOTS = ("environment", "facts", "settings")


@dataclass(frozen=True)
class Bad:
    """A store path that is not what Nix's database says.

    Args:
        item: how it should be.
        missing: whether it is not there at all.
        reason: what is wrong with it; empty where its files differ, and which is to be found out.
    """

    item: StorePath
    missing: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Survey:
    """What was seen.

    Args:
        closure: the paths as Nix's database has them.
        facts: the environment's facts, None where they are not there or not sound.
        disagreeing: paths of which facts and database say different things, with what.
        bad: paths that are not as they should be.
    """

    closure: Closure
    facts: Mapping[str, Any] | None
    disagreeing: tuple[tuple[str, str], ...]
    bad: tuple[Bad, ...]


def survey(store: Store, pool: Pool, roots: Mapping[str, str], progress: Progress) -> Survey:
    """Look at all that an environment, its facts and its settings reach.

    Args:
        store: where they are.
        pool: hashes.
        roots: the store path of each; those that are not valid are left out.
        progress: is told how far it is.

    Raises:
        NixError: Nix's database can't be read, or the store is on another machine.
    """
    hinted = _there(store, _hinted(store, roots.get("facts", "")))
    progress.start(sum(item.nar_size for item in hinted))
    try:
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(_registered, store, roots)
            found = dict(pool.hash(_jobs(store, hinted), progress.advance))
        closure = asked.result()
        sound = _there(store, closure.paths)
        rest = [item for item in sound if item.path not in found]
        found |= dict(pool.hash(_jobs(store, rest), progress.advance))
    finally:
        progress.done()
    gone = set(closure.paths) - set(sound)
    bad = [Bad(item, missing=True, reason="is not there") for item in gone]
    bad += [each for item in sound if (each := _judged(item, found[item.path]))]
    facts = _facts(store, roots.get("facts", ""), closure)
    bad.sort(key=lambda each: each.item)
    return Survey(closure, facts, _disagreeing(facts, closure), tuple(bad))


def _registered(store: Store, roots: Mapping[str, str]) -> Closure:
    """The closure as Nix's database has it."""
    reached = store.requisites(sorted(store.valid(sorted(roots.values()))))
    return Closure(tuple(each.item for each in store.registered(reached)))


def _hinted(store: Store, path: str) -> tuple[StorePath, ...]:
    """What the facts say is in the closure: hashed while Nix is asked, and believed no further."""
    folder = os.path.dirname(path)
    try:
        stated = of_document(json.loads(Path(store.place(path)).read_bytes())).paths
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(item for item in stated if os.path.dirname(item.path) == folder)


def _there(store: Store, items: Iterable[StorePath]) -> list[StorePath]:
    return [item for item in items if os.path.lexists(store.place(item.path))]


def _jobs(store: Store, items: Iterable[StorePath]) -> list[tuple[str, str, int]]:
    return [(item.path, store.place(item.path), item.nar_size) for item in items]


def _judged(item: StorePath, outcome: Outcome) -> Bad | None:
    if isinstance(outcome, Unreadable):
        return Bad(item, reason=str(outcome))
    return None if outcome.nar_hash == item.nar_hash else Bad(item)


def _facts(store: Store, path: str, closure: Closure) -> Mapping[str, Any] | None:
    """The environment's facts, if they are there and nobody changed them."""
    item = closure.by_path().get(path)
    try:
        if item and hash_path(store.place(path)).nar_hash == item.nar_hash:
            document = json.loads(Path(store.place(path)).read_bytes())
            return document if isinstance(document, dict) else None
    except (Unreadable, OSError, ValueError):
        pass
    return None


def _disagreeing(facts: Mapping[str, Any] | None, closure: Closure) -> tuple[tuple[str, str], ...]:
    """Where the facts that records quote and Nix's database part."""
    if facts is None:
        return ()
    registered = closure.by_path()
    try:
        stated = of_document(facts)
    except ValueError as error:
        return ((str(facts.get("environment", "the facts")), f"its facts can't be used: {error}"),)
    found = []
    for item in stated.paths:
        other = registered.get(item.path)
        if other is None:
            found.append((item.path, "the environment's facts name it, Nix's database does not"))
        elif other != item:
            reason = (
                f"Nix's database says {other.nar_hash}, the environment's facts {item.nar_hash}"
            )
            found.append((item.path, reason))
    return tuple(found)

"""Mends damaged store paths from their artefacts, by Nix's own repair and without a network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from nixrepro.complaints import in_a_line
from nixrepro.derivations import Derivation
from nixrepro.nar import Unreadable, hash_path
from nixrepro.nix_store import Store
from nixrepro.process import Completed

_REFUSED = re.compile(
    r"trusted-users|not privileged|permission denied|read-only file system|not permitted",
    re.IGNORECASE,
)
_FETCH = "run `nixrepro fetch`, then `nixrepro verify --repair` again"


def mend(
    store: Store, derivations: Mapping[str, Derivation], damaged: Collection[str]
) -> dict[str, str]:
    """Build damaged or missing paths again and put them in their place.

    What can't be built stays as it is.

    Args:
        store: where they are.
        derivations: what each path is made by.
        damaged: the paths.

    Returns:
        For each path that surely was not mended, why, and what to do.
    """
    wrong = {path: "nothing in the lock makes it" for path in damaged if path not in derivations}
    made = {each.path: each for each in derivations.values()}
    able = []
    for path in damaged:
        if path in wrong:
            continue
        needed = {made[each].output for each in derivations[path].inputs if made[each].fixed}
        if derivations[path].fixed:  # a download itself
            wrong[path] = _again(derivations[path])
        elif lost := _lost(store, needed):
            wrong[path] = lost
        else:
            able.append(path)
    if able:
        done = store.repair(derivations[path].path for path in able)
        if done.status != 0:
            wrong |= dict.fromkeys(able, _why(done))
    return wrong


def _again(derivation: Derivation) -> str:
    return (
        "it is a download, and made of nothing else: "
        f"`nix-store --realise --repair {derivation.path}` downloads it again"
    )


def _lost(store: Store, artefacts: set[str]) -> str:
    """Why a path can't be made of its artefacts; "" where it can.

    A damaged artefact is taken out of the store, so that a fetch brings it anew.
    """
    there = store.valid(sorted(artefacts))
    for path in sorted(artefacts):
        name = path.rpartition("/")[2][33:]
        if path not in there:
            return f"its artefact {name} is not in the store: {_FETCH}"
        (registered,) = store.registered([path])
        try:
            sound = hash_path(store.place(path)).nar_hash == registered.item.nar_hash
        except Unreadable:
            sound = False
        if not sound:
            if store.delete(path):
                return f"its artefact {name} was damaged too and was taken out: {_FETCH}"
            return f"its artefact {name} is damaged too, and something in the store keeps it"
    return ""


def _why(done: Completed) -> str:
    if _REFUSED.search(done.stderr):
        return (
            "the store can't be written by you: repair it as root, or as one of Nix's trusted users"
        )
    return in_a_line(done)

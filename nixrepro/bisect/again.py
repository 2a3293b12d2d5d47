"""Trains a second time, since nothing can be blamed for what differs without any cause."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nixrepro.bisect.builds import failures
from nixrepro.canonical import json_bytes, remove_parts, write_atomic
from nixrepro.complaints import failed
from nixrepro.nix_store import Output, Store
from nixrepro.verify.rebuild import read

AGAIN = "again.json"
_SAME, _OTHER = "same", "other"


def known(folder: Path) -> dict[str, bool]:
    """Which trials gave the same numbers a second time, by name, as `remember` wrote it."""
    try:
        found = json.loads((folder / AGAIN).read_bytes())
    except (OSError, ValueError):
        return {}
    return {name: word == _SAME for name, word in found.items()} if isinstance(found, dict) else {}


def remember(folder: Path, same: Mapping[str, bool]) -> None:
    """Keep what was found of some trials, beside what is known of others."""
    words = {name: _SAME if one else _OTHER for name, one in {**known(folder), **same}.items()}
    remove_parts(folder / AGAIN)
    write_atomic(folder / AGAIN, json_bytes(words))


def same(outputs: Sequence[Output], store: Store, key: Callable[[str], str]) -> list[bool]:
    """Train again what was trained: whether each gives its numbers once more.

    Nix builds them side by side and keeps what came out otherwise beside the first for a look.

    Args:
        outputs: the trainings; what they made is in the store.
        store: whose Nix trains.
        key: the numbers in the folder of an outcome, as one text.

    Raises:
        BuildError: Nix could not build one for a reason that is not its program's.
    """
    wanted = list(dict.fromkeys(each.derivation for each in outputs))
    before = {each.path for each in outputs if os.path.lexists(store.place(f"{each.path}.check"))}
    try:
        done = store.build_again(wanted)
        again = read(done, wanted)
        found = []
        for each in outputs:
            if each.derivation in again.differing:
                found.append(_alike(each.path, store, key))
            elif each.derivation in again.same or each.derivation in failures(done.stderr):
                found.append(each.derivation in again.same)
            else:
                raise failed(done)
        return found
    finally:
        for each in outputs:
            check = f"{each.path}.check"
            if each.path not in before and os.path.lexists(store.place(check)):
                store.delete(check)


def _alike(path: str, store: Store, key: Callable[[str], str]) -> bool:
    """Whether only what is no number differs; a second outcome that isn't there is another."""
    try:
        return key(f"{path}.check") == key(path)
    except OSError:
        return False

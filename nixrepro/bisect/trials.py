"""Tries mixes of two locks: each a training derivation, made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nixrepro.bisect import trees
from nixrepro.bisect.builds import build
from nixrepro.bisect.model import Numbers
from nixrepro.canonical import json_bytes, remove_parts, write_atomic
from nixrepro.delta import Chosen, Enough, Outcome
from nixrepro.errors import RunError
from nixrepro.explain.numbers import numbers
from nixrepro.lock import Lock, dumps
from nixrepro.mixing import Unit, mixed
from nixrepro.nix_store import Store

OUTCOME = "outcome.json"
FAILED = "failed.json"
_DIGITS = 32


@dataclass
class Trials:
    """The trials of one bisection; what was tried before is known again.

    Args:
        a: the lock that units are put into.
        b: the lock that they are taken from.
        units: all in which these differ.
        base: A's files.
        scratch: a folder for trees.
        folder: keeps what came out.
        store: whose Nix trains.
        limit: how many to make at most; None for as many as it takes.
        tell: is told each batch's outcomes and what it took, in seconds.
    """

    a: Lock
    b: Lock
    units: tuple[Unit, ...]
    base: Path
    scratch: Path
    folder: Path
    store: Store
    limit: int | None = None
    tell: Callable[[Sequence[Outcome], float], None] = lambda outcomes, seconds: None
    fresh: int = 0
    found: dict[Chosen, Numbers] = field(default_factory=dict)

    def __call__(self, sets: Sequence[Chosen]) -> list[Outcome]:
        """The outcomes of several sets; those that were never tried are trained side by side.

        Raises:
            Enough: more were to be made than may be.
            NixreproError: a tree can't be evaluated, or Nix fails.
        """
        begun = time.monotonic()
        texts = {each: dumps(mixed(self.a, self.b, self.units, each)) for each in sets}
        names = {each: _name(text) for each, text in texts.items()}
        for each in sets:
            if known := self._kept(names[each]):
                self.found[each] = known
        new = [each for each in sets if each not in self.found]
        if self.limit is not None and self.fresh + len(new) > self.limit:
            raise Enough
        if new:
            self._make({each: (names[each], texts[each]) for each in new})
        outcomes = [self._outcome(each) for each in sets]
        self.tell(outcomes, time.monotonic() - begun if new else 0.0)
        return outcomes

    def _make(self, new: dict[Chosen, tuple[str, str]]) -> None:
        folders = {each: str(number) for number, each in enumerate(new)}
        try:
            for each, (_, text) in new.items():
                trees.lay(self.base, self.scratch / folders[each], text)
            built = build(self.scratch, list(folders.values()), self.store)
        finally:
            for name in folders.values():
                shutil.rmtree(self.scratch / name, ignore_errors=True)
        failed = self._failed()
        for each, one in zip(new, built, strict=True):
            name = new[each][0]
            if one.reason:
                failed[name] = one.reason
                self.found[each] = Numbers(reason=one.reason)
            else:
                self.store.add_root(self.folder / name, one.path)
                self.found[each] = self._read(one.path)
        self.fresh += len(new)
        if failed:
            remove_parts(self.folder / FAILED)
            write_atomic(self.folder / FAILED, json_bytes(failed))

    def _kept(self, name: str) -> Numbers | None:
        """What came out of a trial before, if it is still there."""
        link = self.folder / name
        if link.is_symlink():
            path = os.readlink(link)
            if os.path.exists(self.store.place(f"{path}/{OUTCOME}")):
                return self._read(path)
            link.unlink()
        reason = self._failed().get(name)
        return Numbers(reason=reason) if reason else None

    def _failed(self) -> dict[str, str]:
        try:
            found = json.loads((self.folder / FAILED).read_bytes())
        except (OSError, ValueError):
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def _read(self, path: str) -> Numbers:
        document = json.loads(Path(self.store.place(f"{path}/{OUTCOME}")).read_bytes())
        said = document.get("output")
        # As a record of the same run would have them.
        record = {**document, "exit": {"status": 0}, "files": {"log": {"sha256": said}}}
        prints = {k: v for k, v in document["fingerprint"].items() if isinstance(v, str)}
        digests = prints or ({"output": said} if said else {})
        if not digests:
            raise RunError(
                "the trials leave nothing to compare: the program records neither weights nor "
                "metrics, and its library, an older one, keeps no output",
                hint="have the program log a metric, or begin from a tree with a newer library "
                "(`nixrepro init --update`)",
            )
        return Numbers(numbers(record), digests, path)

    def _outcome(self, chosen: Chosen) -> Outcome:
        one = self.found[chosen]
        if one.reason:
            return Outcome.FAILED
        a, b = (self.found.get(each) for each in (frozenset(), frozenset(range(len(self.units)))))
        if a and one.key == a.key:
            return Outcome.A
        return Outcome.B if b and one.key == b.key else Outcome.OTHER


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

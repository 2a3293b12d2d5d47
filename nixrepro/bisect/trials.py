"""Tries mixes of two locks: each a training derivation, made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nixrepro.bisect import again, trees
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
        doubt: is told that the locks' own trials are made a second time.
        unstable: those of the locks' own sets that gave other numbers then.
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
    doubt: Callable[[], None] = lambda: None
    fresh: int = 0
    spent: int = 0
    unstable: list[Chosen] = field(default_factory=list)
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
        allowed = new[: self._left()]
        if allowed:
            self._make({each: (names[each], texts[each]) for each in allowed})
        if allowed != new:  # those are kept, and the search goes on with them
            raise Enough
        outcomes = [self._outcome(each) for each in sets]
        self.tell(outcomes, time.monotonic() - begun if new else 0.0)
        return outcomes

    def doubted(self) -> None:
        """Train with both locks once more, if their numbers are known and differ; once in all.

        Raises:
            Enough: the program differs from itself, or nothing more may be made.
            NixreproError: Nix fails.
        """
        keys = {self.found[each].key for each in self._controls if each in self.found}
        if len(keys) < len(self._controls) or "" in keys:
            return
        texts = {each: dumps(mixed(self.a, self.b, self.units, each)) for each in self._controls}
        names = {each: _name(text) for each, text in texts.items()}
        known = again.known(self.folder)
        new = [each for each in self._controls if names[each] not in known]
        if allowed := new[: self._left()]:
            self.doubt()
            with self._laid({each: texts[each] for each in allowed}) as folders:
                outputs = self.store.instantiate(self.scratch, folders, "run")
                same = again.same(outputs, self.store, lambda path: self._read(path).key)
            self.spent += len(allowed)
            found = {names[each]: one for each, one in zip(allowed, same, strict=True)}
            again.remember(self.folder, found)
            known.update(found)
        self.unstable = [each for each in self._controls if known.get(names[each]) is False]
        if self.unstable or allowed != new:
            raise Enough

    @property
    def _controls(self) -> tuple[Chosen, Chosen]:
        return frozenset(), frozenset(range(len(self.units)))

    def _left(self) -> int | None:
        """How many trainings may still be made; None for as many as it takes."""
        return None if self.limit is None else self.limit - self.spent

    @contextmanager
    def _laid(self, texts: dict[Chosen, str]) -> Iterator[list[str]]:
        """The trees of some trials, by the names of their folders, for as long as it takes."""
        folders = [str(number) for number in range(len(texts))]
        try:
            for name, text in zip(folders, texts.values(), strict=True):
                trees.lay(self.base, self.scratch / name, text)
            yield folders
        finally:
            for name in folders:
                shutil.rmtree(self.scratch / name, ignore_errors=True)

    def _make(self, new: dict[Chosen, tuple[str, str]]) -> None:
        with self._laid({each: text for each, (_, text) in new.items()}) as folders:
            built = build(self.scratch, folders, self.store)
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
        self.spent += len(new)
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
        a, b = (self.found.get(each) for each in self._controls)
        if a and one.key == a.key:
            return Outcome.A
        return Outcome.B if b and one.key == b.key else Outcome.OTHER


def _name(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]

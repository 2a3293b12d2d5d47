"""Tries mixes of two locks: each a training derivation, made once and kept."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nixrepro.bisect import again, trees
from nixrepro.bisect.builds import build
from nixrepro.bisect.kept import Kept
from nixrepro.bisect.model import Numbers
from nixrepro.delta import Chosen, Enough, Outcome
from nixrepro.lock import Lock, dumps
from nixrepro.mixing import Unit, mixed
from nixrepro.nix_store import Store

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
        new = self._unknown(sets)
        allowed = dict(list(new.items())[: self._left()])
        if allowed:
            self._make(allowed)
        if allowed.keys() != new.keys():  # those are kept, and the search goes on with them
            if known := [each for each in sets if each in self.found]:
                took = time.monotonic() - begun if allowed else 0.0
                self.tell([self._outcome(each) for each in known], took)
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
                same = again.same(outputs, self.store, lambda path: self._kept.read(path).key)
            self.spent += len(allowed)
            found = {names[each]: one for each, one in zip(allowed, same, strict=True)}
            again.remember(self.folder, found)
            known.update(found)
        self.unstable = [each for each in self._controls if known.get(names[each]) is False]
        if self.unstable or allowed != new:
            raise Enough

    def allowed(self, sets: Sequence[Chosen]) -> tuple[Chosen, ...]:
        """Of several sets those that are known, and those that may be trained."""
        beyond = {*[*self._unknown(sets)][self._left() :]} if self.limit is not None else ()
        return tuple(each for each in sets if each not in beyond)

    def _unknown(self, sets: Sequence[Chosen]) -> dict[Chosen, tuple[str, str]]:
        """Those that were never tried, with name and lock; of the others it is known from now."""
        texts = {each: dumps(mixed(self.a, self.b, self.units, each)) for each in sets}
        new = {each: (_name(text), text) for each, text in texts.items() if each not in self.found}
        for each, (name, _) in new.items():
            if known := self._kept.known(name):
                self.found[each] = known
        return {each: named for each, named in new.items() if each not in self.found}

    @property
    def _kept(self) -> Kept:
        return Kept(self.folder, self.store)

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
        failed = dict[str, str]()
        for each, one in zip(new, built, strict=True):
            name = new[each][0]
            if one.reason:
                failed[name] = one.reason
                self.found[each] = Numbers(reason=one.reason)
            else:
                self.found[each] = self._kept.keep(name, one.path)
        self.fresh += len(new)
        self.spent += len(new)
        self._kept.keep_failed(failed)

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

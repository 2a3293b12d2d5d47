"""Trials: runs of mixed recipes, kept by what they are, so that none is made twice."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.canonical import digest
from nixrepro.errors import NixError, NixreproError, RunError
from nixrepro.explain.identity import identified
from nixrepro.explain.model import Outcome, Trial, Unit
from nixrepro.explain.numbers import failure, last_words, numbers
from nixrepro.explain.plan import Ground
from nixrepro.record import Record, read
from nixrepro.repeat.recipe import Recipe
from nixrepro.repeat.stage import perform, take
from nixrepro.repeat.virtual import PORTABLE
from nixrepro.runtime import STATE
from nixrepro.runtime.folder import NAME, RECORD
from nixrepro.runtime.variables import digests

if TYPE_CHECKING:
    from nixrepro.nix import Nix

TRIALS = f"{STATE}/trials"
_SHOWN = 120
_HOW = {"failed": "fails", "killed": "is killed"}


class Bench:
    """Where the trials of one explanation are made, and what came out of them."""

    def __init__(
        self, root: Path, nix: Nix, ground: Ground, most: int, say: Callable[[str], None]
    ) -> None:
        """Make ready; nothing is run yet.

        Args:
            root: the project's folder.
            nix: the Nix to build with.
            ground: the runs, and this machine.
            most: how many trials there may be; 0 for as many as are needed.
            say: tells the person how far it is.
        """
        self.tested: list[Trial] = []
        self.records: dict[tuple[str, ...], Record] = {}
        self._root = root.resolve()
        self._nix = nix
        self._ground = ground
        self._most = most
        self._say = say
        self._made = 0
        # How many trials there will be, if one difference is the cause and the others are not.
        self.expected = 0

    def attempt(
        self, units: Sequence[Unit], *, whole: bool = False, control: int = 0
    ) -> Outcome | None:
        """The outcome of the base's run with some differences from the other.

        Args:
            units: the differences.
            whole: whether they are all that there are.
            control: which repetition of the very same it is, from 0.

        Returns:
            None where no more trials are wanted.
        """
        keys = self.keys(units, whole)
        recipe = self._ground.recipe(units, whole)
        target = self._root / TRIALS / self._key(recipe, control)[:NAME]
        by = self._ground.by(units, whole)
        found = self._usable(_kept(target), by)
        seconds = 0.0
        if found is None and self._most and self._made >= self._most:
            return None
        what = _said(self._ground, units, whole) + (", once more" if control else "")
        number = f"trial {len(self.tested) + 1}"
        if len(self.tested) < self.expected:
            number += f" of at most {self.expected}"
        if found is None:
            self._made += 1
            self._say(f"nixrepro: {number}: {what}")
            began = time.monotonic()
            try:
                found = self._make(recipe, target, what)
            except NixError:
                raise
            except NixreproError as error:
                self.tested.append(Trial(keys, Outcome.FAILED, reason=error.message))
                self._say(f"nixrepro: it can't be made: {error.said}")
                return Outcome.FAILED
            seconds = time.monotonic() - began
        outcome, reason = self._outcome(found, by)
        self.records[keys] = found
        folder = f"{TRIALS}/{target.name}"
        self.tested.append(Trial(keys, outcome, folder, round(seconds, 3), reason))
        if seconds:
            self._say(f"nixrepro: it gives {self._whose(outcome)} ({seconds:.1f} s)")
        else:
            self._say(f"nixrepro: {number}: {what}: {self._whose(outcome)}, known from before")
        return outcome

    @staticmethod
    def keys(units: Sequence[Unit], whole: bool = False) -> tuple[str, ...]:
        """By what the record of a trial is kept here."""
        if whole and not units:
            return ("",)  # the other run, though no difference to it is known
        return tuple(sorted(unit.key for unit in units))

    def _make(self, recipe: Recipe, target: Path, what: str) -> Record:
        identity = identified(recipe)

        def keep(left: Path, document: dict[str, Any]) -> Record:
            if target.exists():  # what another process made meanwhile, or what is broken
                shutil.rmtree(target)
            return take(left, {**document, "trial": {"what": what, **identity}}, target)

        return perform(
            self._root,
            recipe,
            self._nix,
            say=lambda _: None,
            keep=keep,
            name=what,
            probe=False,
        )

    def _key(self, recipe: Recipe, control: int) -> str:
        machine = {
            "table": list(self._ground.table),
            "cores": self._ground.cores,
            "passed": digests(os.environ, recipe.settings.get("passed", {})),
        }
        return digest({**identified(recipe), "machine": machine, "again": control})

    def _usable(self, found: Record | None, by: str) -> Record | None:
        """A kept trial, unless it failed: what made it fail may be gone by now."""
        return found if found and self._outcome(found, by)[0] is not Outcome.FAILED else None

    def same(self, units: Sequence[Unit]) -> bool:
        """Whether all differences taken over are the other run itself, as it was."""
        one, two = (self._ground.recipe(units, whole) for whole in (False, True))
        return self._key(one, 0) == self._key(two, 0)

    def _outcome(self, record: Record, by: str) -> tuple[Outcome, str]:
        document = record.document
        numerics = document["layers"]["settings"].get("numerics") or {}
        stood = numerics.get("by", "") if numerics.get("profile") == PORTABLE else ""
        if stood and by and stood != by:
            why = numerics.get("weaker", f"{stood} stands in for the CPU here")
            return Outcome.FAILED, f"it needs {by} for its CPU, which can't be had here: {why}"
        found = numbers(document)
        failed = failure(document, last_words(record))
        both = (self._ground.base, self._ground.other)
        for side, outcome in zip(both, (Outcome.A, Outcome.B), strict=True):
            known = side.record
            if found and found == numbers(known.document):
                return outcome, ""
            if failed and failed == failure(known.document, last_words(known)):
                return outcome, ""
        if document["status"] == "done":
            return Outcome.OTHER, ""
        status = document["exit"]["status"]
        words = last_words(record)[:_SHOWN]
        reason = f"it {_HOW.get(document['status'], document['status'])} with status {status}"
        return Outcome.FAILED, f"{reason}: {words}" if words else reason

    def _whose(self, outcome: Outcome) -> str:
        base, other = self._ground.base.name, self._ground.other.name
        return {
            Outcome.A: f"{base}'s numbers",
            Outcome.B: f"{other}'s numbers",
            Outcome.OTHER: "other numbers",
            Outcome.FAILED: "no numbers: it fails",
        }[outcome]


def _kept(target: Path) -> Record | None:
    """A trial that was made before; one that is broken is made anew."""
    try:
        document = read(target / RECORD)
        return Record(target, document) if numbers(document) else None
    except RunError:
        return None


def _said(ground: Ground, units: Sequence[Unit], whole: bool) -> str:
    if not units and not whole:
        return f"{ground.base.name} again"
    if whole:
        return f"{ground.other.name} again"
    labels = " and ".join(unit.label for unit in units)
    return f"{ground.base.name} with {labels} of {ground.other.name}"

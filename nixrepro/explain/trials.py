"""Trials: runs of mixed recipes, kept by what they are, so that none is made twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.errors import NixError, NixreproError
from nixrepro.explain.identity import identified, key
from nixrepro.explain.keeping import TRIALS, Shelf
from nixrepro.explain.model import Outcome, Trial, Unit
from nixrepro.explain.numbers import numbers
from nixrepro.explain.outcomes import first_line
from nixrepro.explain.outcomes import outcome as outcome_of
from nixrepro.explain.plan import Ground
from nixrepro.names import counted
from nixrepro.record import Record
from nixrepro.repeat.recipe import Recipe
from nixrepro.repeat.stage import perform

if TYPE_CHECKING:
    from nixrepro.nix import Nix


class Bench:
    """Where the trials of one explanation are made, and what came out of them."""

    def __init__(
        self,
        root: Path,
        nix: Nix,
        ground: Ground,
        most: int,
        say: Callable[[str], None],
        *,
        again: bool = False,
    ) -> None:
        """Make ready; nothing is run yet.

        Args:
            root: the project's folder.
            nix: the Nix to build with.
            ground: the runs, and this machine.
            most: how many trials there may be; 0 for as many as are needed.
            say: tells the person how far it is.
            again: make each trial anew, whatever is kept of before.
        """
        self.tested: list[Trial] = []
        self.records: dict[tuple[str, ...], Record] = {}
        # Trials that gave other numbers now than what was kept of them.
        self.changed: list[str] = []
        # How many trials there will be at most; 0 where that is not known.
        self.expected = 0
        self._root = root.resolve()
        self._nix = nix
        self._ground = ground
        self._most = most
        self._say = say
        self._again = again
        self._shelf = Shelf(self._root, again=again)
        self._made = 0

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
        kept_by = self._key(recipe, control)
        by = self._ground.by(units, whole)
        found = self._shelf.found(kept_by, lambda record: self._usable(record, by))
        if found is None and self._most and self._made >= self._most:
            return None
        what = _said(self._ground, units, whole) + (", once more" if control else "")
        number = f"trial {len(self.tested) + 1}"
        if len(self.tested) < self.expected:
            number += f" of at most {self.expected}"
        seconds = 0.0
        if found is None:
            self._made += 1
            self._say(f"nixrepro: {number}: {what}")
            began = time.monotonic()
            try:
                found = self._make(recipe, kept_by, what, by)
            except NixError:
                raise
            except NixreproError as error:
                self._failed(keys, kept_by, error)
                return Outcome.FAILED
            seconds = time.monotonic() - began
        outcome, reason = outcome_of(found, self._ground, by)
        self.records[keys] = found
        folder = f"{TRIALS}/{found.folder.name}"
        self.tested.append(Trial(keys, outcome, folder, round(seconds, 3), reason))
        if seconds:
            failed = f": {reason}" if outcome is Outcome.FAILED else ""
            self._say(f"nixrepro: it gives {self._whose(outcome)}{failed} ({seconds:.1f} s)")
        else:
            self._say(f"nixrepro: {number}: {what}: {self._whose(outcome)}, known from before")
        return outcome

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Say what is kept, and how to go on, where somebody ends it meanwhile.

        Raises:
            KeyboardInterrupt, SystemExit: somebody did.
        """
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            kept = len({each.folder for each in self.tested if each.folder})
            same = "the same command without --again" if self._again else "the same command"
            done = f"{counted(kept, 'trial')} kept in {TRIALS}; {same} goes on from there"
            none = "no trial was finished; the same command begins anew"
            self._say(f"nixrepro: interrupted: {done if kept else none}")
            raise

    def _failed(self, keys: tuple[str, ...], kept_by: str, error: NixreproError) -> None:
        """Of a trial that could not be made the first line is said, and all of it kept."""
        reason = first_line(error)
        details = "\n".join(filter(None, (error.message, error.details.rstrip(), error.hint)))
        file = self._shelf.complain(kept_by, details)
        self.tested.append(
            Trial(keys, Outcome.FAILED, reason=reason, complaint=file, details=details)
        )
        self._say(f"nixrepro: it can't be made: {reason} (all of it: {file})")

    @staticmethod
    def keys(units: Sequence[Unit], whole: bool = False) -> tuple[str, ...]:
        """By what the record of a trial is kept here."""
        if whole and not units:
            return ("",)  # the other run, though no difference to it is known
        return tuple(sorted(unit.key for unit in units))

    def _make(self, recipe: Recipe, kept_by: str, what: str, by: str) -> Record:
        def keep(left: Path, document: dict[str, Any]) -> Record:
            trial = {"what": what, **identified(recipe)}
            return self._shelf.keep(kept_by, left, {**document, "trial": trial})

        before = self._shelf.before(kept_by, lambda record: self._usable(record, by))
        made = perform(
            self._root,
            recipe,
            self._nix,
            say=lambda _: None,
            keep=keep,
            name=what,
            probe=False,
        )
        if before and numbers(before.document) != numbers(made.document):
            self.changed.append(what)
        return made

    def _key(self, recipe: Recipe, control: int) -> str:
        return key(recipe, self._ground.here, self._ground.inside(recipe), control)

    def _usable(self, found: Record, by: str) -> bool:
        """Whether a kept trial did not fail: what made it fail may be gone by now."""
        return outcome_of(found, self._ground, by)[0] is not Outcome.FAILED

    def same(self, units: Sequence[Unit]) -> bool:
        """Whether all differences taken over are the other run itself, as it was."""
        one, two = (self._ground.recipe(units, whole) for whole in (False, True))
        return self._key(one, 0) == self._key(two, 0)

    def _whose(self, outcome: Outcome) -> str:
        base, other = self._ground.base.name, self._ground.other.name
        return {
            Outcome.A: f"{base}'s numbers",
            Outcome.B: f"{other}'s numbers",
            Outcome.OTHER: "other numbers",
            Outcome.FAILED: "no numbers",
        }[outcome]


def _said(ground: Ground, units: Sequence[Unit], whole: bool) -> str:
    if not units and not whole:
        return f"{ground.base.name} again"
    if whole:
        return f"{ground.other.name} again"
    labels = " and ".join(unit.label for unit in units)
    return f"{ground.base.name} with {labels} of {ground.other.name}"

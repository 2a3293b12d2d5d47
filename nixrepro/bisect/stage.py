"""Finds which packages of B's lock make A's numbers B's, by training on mixes of both."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from nixrepro import config as configs
from nixrepro import delta
from nixrepro.bisect import notes, trees
from nixrepro.bisect.display import Display
from nixrepro.bisect.ends import Start, other, start
from nixrepro.bisect.model import Bisection, End
from nixrepro.bisect.settings import configured
from nixrepro.bisect.trials import Trials
from nixrepro.canonical import digest
from nixrepro.delta import Enough, Found, Step
from nixrepro.fetch import bring
from nixrepro.lock import Artefact, Lock, dumps, order, store_name
from nixrepro.locking import exclusive
from nixrepro.mixing import closed, reader, uncounted, units
from nixrepro.nix_store import Store
from nixrepro.project import FILE as PROJECT
from nixrepro.project import read
from nixrepro.repeat import place
from nixrepro.repeat.recipe import used
from nixrepro.runtime import STATE

BISECT = "bisect"
_DIGITS = 16


@dataclass(frozen=True)
class Asked:
    """What a person asked for.

    Args:
        a: whose tree, command and settings every trial has.
        b: where packages are taken from.
        limit: how many trials to make at most; None for as many as it takes.
        at_once: how many trials to ask for at a time.
    """

    a: str
    b: str
    limit: int | None = None
    at_once: int = 2


def bisect(root: Path, asked: Asked, store: Store, say: Callable[[str], None]) -> Bisection:
    """Find the smallest set of packages that, taken from B, gives A's run B's numbers.

    Args:
        root: the project's folder.
        asked: what to do.
        store: the Nix that trains.
        say: tells the person what is done.

    Raises:
        BuildError: A's or B's own lock can't be built, or the program fails with it.
        NixreproError: an end means nothing, or an artefact can't be had.
        OSError: the project can't be written.
    """
    begun = time.monotonic()
    root = root.resolve()
    folder = root / STATE / BISECT

    def waiting() -> None:
        say("nixrepro: waiting for another bisect of this project")

    with exclusive(folder / "lock", waiting), place.folder(root, BISECT) as scratch:
        first = start(root, asked.a, scratch / "a")
        last = other(root, asked.b, scratch / "b")
        _fetch(root, first, last, store)
        pythons = (first.end.lock.python, last.lock.python)
        found = units(first.end.lock, last.lock, reader(_places(store), pythons))
        answer = Bisection(
            first.end,
            last,
            found,
            uncounted(first.end.lock, last.lock),
            Found(frozenset(), 0, True),
            {},
        )
        if not found:
            return answer
        base = scratch / "base"
        passed = _lay(first, base)
        display = Display(found, say)
        trials = Trials(
            *(first.end.lock, last.lock, found, base, scratch),
            *(_kept(folder, base, first.end.lock, last.lock), store),
            limit=asked.limit,
            tell=display.outcomes,
            doubt=display.again,
        )
        say(f"nixrepro: {_differing(answer)}")

        def watch(step: Step) -> None:
            trials.doubted()
            if batch := trials.allowed(step.batch):
                display.step(replace(step, batch=batch))
            if len(batch) < len(step.batch):
                display.limit(asked.limit or 0)

        with _interrupted(trials, say):
            search = delta.search(
                *(len(found), lambda chosen: closed(found, chosen), trials),
                at_once=asked.at_once,
                watch=watch,
            )
            if search.complete and search.minimal:
                search = _doubted(search, trials)
        answer = replace(
            answer,
            found=search,
            numbers=trials.found,
            fresh=trials.fresh,
            seconds=time.monotonic() - begun,
            unstable=tuple("B" if chosen else "A" for chosen in trials.unstable),
            limit=asked.limit,
        )
        answer = replace(answer, notes=(*passed, *notes.notes(answer)))
    notes.check(answer)
    return answer


def _doubted(search: Found, trials: Trials) -> Found:
    """The same, if the program is no cause itself: where one trial of each lock told all."""
    try:
        trials.doubted()
    except Enough:
        return replace(search, complete=False)
    return search


@contextmanager
def _interrupted(trials: Trials, say: Callable[[str], None]) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        number = len(trials.found) + 1
        say(f"nixrepro: interrupted; the same command goes on with trial {number}")
        raise


def _fetch(root: Path, first: Start, last: End, store: Store) -> None:
    """Have in the store what both locks name, but for what no trial has."""
    config = replace(configs.load(first.project), root=root)
    data = sorted(used(first.end.record)) if first.end.record else []
    a, b = first.end.lock, last.lock
    left_out = {each.key for each in uncounted(a, b)}
    needed = {
        (each.file, each.sha256): each
        for lock, all_ in ((b, False), (a, True))
        for each in lock.artefacts
        if each.role != "observer" and (all_ or (each.layer, each.role, each.name) not in left_out)
    }
    both = replace(a, artefacts=tuple(sorted(needed.values(), key=order)))
    named = {each.name for each in both.artefacts if each.layer == "data"}
    bring(config, both, store, data=[name for name in data if name in named])


def _places(store: Store) -> Callable[[Artefact], Path]:
    def place_of(artefact: Artefact) -> Path:
        return Path(store.place(store.store_path(store_name(artefact.file), artefact.sha256)))

    return place_of


def _lay(first: Start, base: Path) -> tuple[str, ...]:
    """Lay out A's files, with its run's command and settings; what can't be as it was, as notes."""
    trees.lay_base(first.project, base, made=first.made)
    if first.end.record is None:
        return ()
    recorded = first.end.record.document["layers"]["settings"]
    text = read(base / PROJECT)
    new = configured(text, recorded)
    if new != text:
        trees.configure(base, new)
    passed = sorted(recorded.get("passed", {}))
    said = f"{', '.join(passed)} of the host passed into {first.end.name}, and into no trial"
    return (said,) if passed else ()


def _kept(folder: Path, base: Path, a: Lock, b: Lock) -> Path:
    """The folder that keeps the trials of A's files with these two locks."""
    key = digest([trees.content(base), dumps(a), dumps(b)])[:_DIGITS]
    (folder / key).mkdir(parents=True, exist_ok=True)
    return folder / key


def _differing(answer: Bisection) -> str:
    entries = sum(len(unit.entries) for unit in answer.units)
    groups = f", in {len(answer.units)} groups that move together"
    return f"{entries} packages differ{groups if len(answer.units) != entries else ''}"

"""Finds the packages that a set of wanted ones needs, one version each, always the same ones.

The search starts from the preferred version of everything. What turns out not to fit is set
aside, with the reason, and the search starts again. Reasons only grow in number, so it ends. It
keeps to the preferred versions as far as they fit and does not try every combination of others:
where an archive needs that, it says that it can't be met, rather than searching for hours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from nixrepro.resolve.package import Alternatives, Package, Relation
from nixrepro.resolve.setaside import SetAside, State, clash_error, unmet_error
from nixrepro.resolve.universe import Universe


@dataclass(frozen=True)
class Solution:
    """The chosen packages, sorted by name, and for each name the chosen ones that it needs."""

    packages: tuple[Package, ...]
    needs: dict[str, tuple[str, ...]]


class _Unmet(Exception):
    def __init__(self, asker: Package | None, alternatives: Alternatives) -> None:
        self.asker = asker
        self.alternatives = alternatives


def solve(universe: Universe, wanted: Iterable[str]) -> Solution:
    """The closure of the wanted packages under Pre-Depends and Depends.

    Args:
        universe: what there is to choose from.
        wanted: package names.

    Raises:
        ResolveError: something can't be met, or chosen packages refuse each other; the message
            names the chain of packages that asked for it.
    """
    names = sorted(set(wanted))
    aside = SetAside(universe)
    while True:
        state = State()
        try:
            _close(universe, aside, names, state)
        except _Unmet as unmet:
            _repair(universe, aside, unmet)
            continue
        clash = _clash(state.chosen)
        if clash is None:
            return _solution(universe, state.chosen)
        _part(universe, aside, clash, state)


def _close(universe: Universe, aside: SetAside, wanted: list[str], state: State) -> None:
    work: deque[tuple[Package | None, Alternatives]] = deque(
        (None, (Relation(name),)) for name in wanted
    )
    choices: deque[tuple[Package | None, Alternatives]] = deque()
    while work or choices:
        # What leaves no choice comes first: it may settle the choices.
        forced = bool(work)
        asker, alternatives = work.popleft() if forced else choices.popleft()
        options = _options(universe, aside, alternatives)
        if any(state.chosen.get(option.name) is option for option in options):
            continue
        if not options:
            raise _Unmet(asker, alternatives)
        if forced and len(options) > 1:
            choices.append((asker, alternatives))
            continue
        free = (o for o in options if not _refused(o, state.chosen.values()))
        package = next(free, options[0])
        state.chosen[package.name] = package
        state.asker[package.name] = asker
        if len(options) > 1:
            state.optional.add(package.name)
        work.extend((package, need) for need in package.needs)


def _options(universe: Universe, aside: SetAside, alternatives: Alternatives) -> list[Package]:
    options: dict[Package, None] = {}
    for relation in alternatives:
        for package in universe.meeting(relation):
            if package is aside.current(package.name):
                options[package] = None
    return list(options)


def _repair(universe: Universe, aside: SetAside, unmet: _Unmet) -> None:
    """Set aside what stands in the way of a need, or else the package that has the need."""
    asker, alternatives = unmet.asker, unmet.alternatives
    if asker is None:
        raise unmet_error(universe, aside, alternatives)
    if universe.keeps(asker) and aside.others(asker):
        # A kept package yields to what moved under it, not the other way round.
        aside.unfit[asker] = alternatives
        return
    for relation in alternatives:
        for package in universe.meeting(relation):
            if package not in aside:
                aside.prefer(package, asker, alternatives)
                return
    aside.unfit[asker] = alternatives


def _part(
    universe: Universe, aside: SetAside, clash: tuple[Package, Relation, Package], state: State
) -> None:
    """Set aside one of two packages that refuse each other, where there is another way."""
    refusing, relation, refused = clash
    pair = (refused, refusing)
    ways = (
        *(p for p in pair if universe.keeps(p) and aside.others(p)),
        *(p for p in pair if aside.others(p)),
        *(p for p in pair if p.name in state.optional),
    )
    if not ways:
        raise clash_error(refusing, relation, refused, state)
    aside.refused[ways[0]] = (refusing, relation)


def _refused(package: Package, chosen: Iterable[Package]) -> bool:
    return any(
        any(other.meets(relation) for relation in package.refuses)
        or any(package.meets(relation) for relation in other.refuses)
        for other in chosen
        if other is not package
    )


def _clash(chosen: dict[str, Package]) -> tuple[Package, Relation, Package] | None:
    packages = [package for _, package in sorted(chosen.items())]
    for package in packages:
        for relation in package.refuses:
            for other in packages:
                if other is not package and other.meets(relation):
                    return package, relation, other
    return None


def _solution(universe: Universe, chosen: dict[str, Package]) -> Solution:
    needs: dict[str, tuple[str, ...]] = {}
    for name, package in sorted(chosen.items()):
        met = {
            next(
                candidate.name
                for relation in alternatives
                for candidate in universe.meeting(relation)
                if chosen.get(candidate.name) is candidate
            )
            for alternatives in package.needs
        }
        needs[name] = tuple(sorted(met - {name}))
    return Solution(tuple(package for _, package in sorted(chosen.items())), needs)

"""What a trial is made of: one run, with some differences taken from the other; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from nixrepro.explain.compilers import Compilers
from nixrepro.explain.datas import lendable, sums
from nixrepro.explain.here import Here
from nixrepro.explain.model import CODE, CORES, CPU, Unit
from nixrepro.explain.packages import Packages
from nixrepro.explain.sides import Side
from nixrepro.repeat.recipe import Recipe, used
from nixrepro.repeat.virtual import PORTABLE, stated

_SETTINGS = "settings."
_THREADS, _NUMERICS = "settings.numerics.threads", "settings.numerics"


@dataclass(frozen=True)
class Ground:
    """The run that is run again, the one that parts are taken from, and where.

    Args:
        base: the first.
        other: the second.
        packages: the differences of their locks.
        here: this machine.
        compilers: the locks that the virtual CPU's compiler can be had from.
    """

    base: Side
    other: Side
    packages: Packages
    here: Here = field(default_factory=Here)
    compilers: Compilers = field(default_factory=Compilers)

    def by(self, chosen: Collection[Unit], whole: bool = False) -> str:
        """What must stand in for the CPU in such a run; "" where nothing does."""
        taken = whole or any(unit.key == _NUMERICS for unit in chosen)
        return (self.other if taken else self.base).by

    def recipe(self, chosen: Collection[Unit], whole: bool = False) -> Recipe:
        """The base's run with some differences taken from the other one.

        Args:
            chosen: the differences.
            whole: whether these are all there are, so that it is the other run.
        """
        keys = {unit.key for unit in chosen}

        def side(key: str) -> Side:
            return self.other if whole or key in keys else self.base

        settings = _settings(self.base.settings, self.other.settings, keys)
        if whole:
            settings = dict(self.other.settings)
        numerics = settings.get("numerics", {})
        table = () if numerics.get("profile") == PORTABLE else side(CPU).table
        cpu = () if table == self.here.table else table
        parts = frozenset[int]().union(*(unit.parts for unit in chosen))
        data = {key.removeprefix("data.") for key in keys if key.startswith("data.")}
        lent = {name: side(f"data.{name}") for name in sorted(lendable(self.base, self.other))}
        text = self.other.text if whole else self.packages.text(parts, data)
        compiler = self.compilers.beside(text)
        expected = self.other if whole else None if chosen else self.base
        cores = side(CORES).cores
        return Recipe(
            code=side(CODE).record,
            settings=settings,
            expected=expected.record if expected else None,
            lock="" if text == side(CODE).text else text,
            data=used(self.base.record) | used(self.other.record),
            cpu=cpu,
            cores=cores if 0 < cores < self.here.cores else 0,
            steps=1,
            project=_native(side(CODE).project, settings) if compiler else "",
            compiler=compiler,
            places={name: run.places[name] for name, run in lent.items()},
            digests={name: sums(run)[name] for name, run in lent.items()},
        )

    def inside(self, recipe: Recipe) -> str:
        """The project's folder in the repository that a recipe's code is of."""
        return (self.other if recipe.code is self.other.record else self.base).inside


def _native(text: str, settings: Mapping[str, Any]) -> str:
    """A pyproject.toml that asks for no virtual CPU; "" where it is so already.

    What a run computes with is in its settings. Of the project Nix would build a virtual CPU, too,
    which a lock without a compiler can't.
    """
    from nixrepro.bisect.settings import configured

    new = configured(text, {**settings, "numerics": {}}) if PORTABLE in text else text
    return "" if new == text else new


def _settings(old: Mapping[str, Any], new: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    """A settings layer with some of its keys as another one has them."""
    found = dict(old)
    for key in ("command", "folder", "seed", "deterministic"):
        if f"{_SETTINGS}{key}" in keys and key in new:
            found[key] = new[key]
    for table in ("variables", "passed"):
        was, now = dict(old.get(table) or {}), new.get(table) or {}
        for name in was.keys() | now.keys():
            if f"{_SETTINGS}{table}.{name}" in keys:
                was.pop(name, None)
                was.update({name: now[name]} if name in now else {})
        found[table] = was
    before, after = (stated(each.get("numerics") or {}) for each in (old, new))
    profile = {**(after if _NUMERICS in keys else before)}
    profile.pop("threads", None)
    if threads := (after if _THREADS in keys else before).get("threads"):
        profile["threads"] = threads
    found.pop("numerics", None)
    return {**found, "numerics": profile} if profile else found

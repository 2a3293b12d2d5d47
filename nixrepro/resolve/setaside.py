"""What a resolution has set aside and why, and the errors that follow those reasons down."""

from __future__ import annotations

from dataclasses import dataclass, field

from nixrepro.errors import ResolveError
from nixrepro.resolve.package import Alternatives, Package, Relation
from nixrepro.resolve.universe import Universe


@dataclass
class State:
    """One search.

    Args:
        chosen: by name.
        asker: who asked for a chosen name; None for the person.
        optional: names that were one of several possible choices.
    """

    chosen: dict[str, Package] = field(default_factory=dict)
    asker: dict[str, Package | None] = field(default_factory=dict)
    optional: set[str] = field(default_factory=set)


class SetAside:
    """Packages that don't come into question any more.

    Args:
        universe: all packages.

    `unfit` holds those that can't be there, each with its need that can't be met; `refused` those
    that gave way, each with who refuses whom. Others were outbid: another package needs a version
    that is less preferred; that counts only as long as the other one itself is not unfit.
    """

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self.unfit: dict[Package, Alternatives] = {}
        self.refused: dict[Package, tuple[Package, Relation]] = {}
        self._outbid: dict[Package, dict[Package, Alternatives]] = {}

    def __contains__(self, package: Package) -> bool:
        return package in self.unfit or package in self.refused or bool(self.outbid(package))

    def outbid(self, package: Package) -> tuple[Package, Alternatives] | None:
        """Which package needs another version of this one, and what that need is."""
        askers = self._outbid.get(package, {}).items()
        return next(((asker, need) for asker, need in askers if asker not in self.unfit), None)

    def prefer(self, package: Package, asker: Package, need: Alternatives) -> None:
        """Set aside the versions that would be taken before this one, since a package needs it."""
        for better in self._universe.versions(package.name):
            if better is package:
                return
            self._outbid.setdefault(better, {}).setdefault(asker, need)

    def current(self, name: str) -> Package | None:
        """The preferred version of a package that is not set aside."""
        return next((p for p in self._universe.versions(name) if p not in self), None)

    def others(self, package: Package) -> bool:
        """Whether there is another version that is not set aside."""
        versions = self._universe.versions(package.name)
        return any(p is not package and p not in self for p in versions)


def unmet_error(universe: Universe, aside: SetAside, wanted: Alternatives) -> ResolveError:
    """What to say where a wanted package can't be had: the need at the bottom of it."""
    name = wanted[0].name
    if not universe.meeting(wanted[0]):
        return missing_error(universe, name, "tool.nixrepro.base.packages")
    chain: list[Package] = []
    need = wanted
    while True:
        candidates = (p for relation in need for p in universe.meeting(relation))
        package = next((p for p in candidates if p in aside and p not in chain), None)
        if package is None:
            break
        chain.append(package)
        if package in aside.unfit:
            need = aside.unfit[package]
            continue
        refusal, outbid = aside.refused.get(package), aside.outbid(package)
        if refusal is not None:
            there = f"{refusal[0]} refuses {refusal[1]}"
            return _unmet(chain[-2] if chain[1:] else package, need, chain, there)
        if outbid is not None:
            asker, other = outbid
            return _unmet(asker, other, chain, "something else needs another version of it")
    have = [str(p) for relation in need for p in universe.versions(relation.name)]
    there = f"there is only {', '.join(have)}" if have else "there is no such package"
    return _unmet(chain[-1], need, chain, there)


def missing_error(universe: Universe, name: str, key: str) -> ResolveError:
    """What to say where a package that the configuration names does not exist."""
    group = universe.policy.overrides.get(name, universe.policy.groups[0])
    near = universe.nearest(name)
    hint = f"did you mean {near}?" if near else "check its name and the suite"
    if near == name:
        has = " and ".join(universe.groups_with(name))
        hint = f"{has} has it: override it from there, or leave it to the base"
    return ResolveError(f"{key}: there is no package {name} in {group}", hint=hint)


def clash_error(
    refusing: Package, relation: Relation, refused: Package, state: State
) -> ResolveError:
    """What to say where two packages that are both needed can't be together."""
    return ResolveError(
        f"{refusing} can't be together with {refused}: it refuses {relation}; "
        f"asked for by {_names(refusing, state)} and by {_names(refused, state)}",
        hint="leave one of them out of tool.nixrepro.base.packages, or take away the override that "
        "brings them together",
    )


def _unmet(asker: Package, need: Alternatives, chain: list[Package], there: str) -> ResolveError:
    return ResolveError(
        f"{asker} needs {' | '.join(map(str, need))}, which can't be met: {there}; "
        f"asked for by {' -> '.join(package.name for package in chain)}",
        hint="take it from another suite (tool.nixrepro.overrides), or leave the package out",
    )


def _names(package: Package, state: State) -> str:
    names = [package.name]
    asker = state.asker[package.name]
    while asker is not None:
        names.append(asker.name)
        asker = state.asker[asker.name]
    return " -> ".join(reversed(names))

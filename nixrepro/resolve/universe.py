"""All packages that a resolution may choose from, in the order in which it prefers them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Protocol

from nixrepro.resolve.package import Package, Relation, compare


class Source(Protocol):
    """Offers packages by name; an `Index` is one."""

    group: str

    def names(self) -> Iterable[str]:
        """All package names."""

    def packages(self, name: str) -> list[Package]:
        """The packages of a name."""

    def providers(self, virtual: str) -> Iterable[str]:
        """Names of the packages that provide a virtual one."""


@dataclass(frozen=True)
class Policy:
    """Which package is preferred.

    Args:
        groups: suites, the base first, then those of the overrides in order of preference.
        overrides: package name to the one suite it may come from.
        kept: (name, version, sha256) of packages that stay as long as they fit.
        fixed: the same of packages beside which no other of their names is there.
    """

    groups: tuple[str, ...]
    overrides: Mapping[str, str]
    kept: frozenset[tuple[str, str, str]] = frozenset()
    fixed: frozenset[tuple[str, str, str]] = frozenset()


class Universe:
    """Packages of several suites; what it answers does not depend on their order in the files."""

    def __init__(self, sources: Iterable[Source], policy: Policy) -> None:
        self.policy = policy
        self._sources = [source for source in sources if source.group in policy.groups]
        self._versions: dict[str, tuple[Package, ...]] = {}
        self._meeting: dict[Relation, tuple[Package, ...]] = {}
        # A source package moves as a whole: its libraries and headers belong together.
        self._moved: dict[str, str] = {}
        for name, group in sorted(policy.overrides.items()):
            for package in self._of_group(name, group):
                self._moved.setdefault(package.source, group)

    def names(self) -> set[str]:
        """All package names."""
        return {name for source in self._sources for name in source.names()}

    def versions(self, name: str) -> tuple[Package, ...]:
        """The packages of a name, the preferred one first."""
        if name not in self._versions:
            only = self.policy.overrides.get(name)
            found: dict[tuple[str, str, str], Package] = {}
            for source in self._sources:
                if only is None or source.group == only:
                    for package in source.packages(name):
                        key = (package.group, package.version, package.sha256)
                        found.setdefault(key, package)
            fixed = [p for p in found.values() if _key(p) in self.policy.fixed]
            there = fixed or found.values()
            self._versions[name] = tuple(sorted(there, key=cmp_to_key(self._order)))
        return self._versions[name]

    def meeting(self, relation: Relation) -> tuple[Package, ...]:
        """The packages that satisfy a relation, the preferred one first.

        Those of the base come before those of other suites, those of that very name before others
        that provide it, and among these the more important ones.
        """
        if relation not in self._meeting:
            names = {name for source in self._sources for name in source.providers(relation.name)}
            found = [
                (self._place(package, relation.name), package)
                for name in sorted(names | {relation.name})
                for package in self.versions(name)
                if package.meets(relation)
            ]
            self._meeting[relation] = tuple(p for _, p in sorted(found, key=lambda pair: pair[0]))
        return self._meeting[relation]

    def keeps(self, package: Package) -> bool:
        """Whether a package is one of those that stay as long as they fit."""
        return _key(package) in self.policy.kept

    def nearest(self, name: str) -> str:
        """An existing name like one that does not exist, or ""."""
        close = difflib.get_close_matches(name, sorted(self.names()), n=1, cutoff=0.65)
        return close[0] if close else ""

    def groups_with(self, name: str) -> list[str]:
        """The suites that have a package."""
        return [group for group in self.policy.groups if self._of_group(name, group)]

    def _of_group(self, name: str, group: str) -> list[Package]:
        found = [p for s in self._sources if s.group == group for p in s.packages(name)]
        found.sort(key=cmp_to_key(lambda a, b: compare(a.version, b.version)))
        return found[-1:]

    def _rank(self, package: Package) -> tuple[int, int]:
        moved = self._moved.get(package.source) == package.group
        group = -1 if moved else self.policy.groups.index(package.group)
        return (group, 0 if self.keeps(package) else 1)

    def _place(self, package: Package, wanted: str) -> tuple[int, bool, int, str, int]:
        versions = self.versions(package.name)
        return (
            max(0, self._rank(package)[0]),
            package.name != wanted,
            versions[0].priority,
            package.name,
            versions.index(package),
        )

    def _order(self, a: Package, b: Package) -> int:
        first, second = self._rank(a), self._rank(b)
        if first != second:
            return -1 if first < second else 1
        by_version = compare(b.version, a.version)
        return by_version or (a.sha256 > b.sha256) - (a.sha256 < b.sha256)


def _key(package: Package) -> tuple[str, str, str]:
    return (package.name, package.version, package.sha256)

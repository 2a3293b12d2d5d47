"""Resolves the system layer: Debian packages of the environment, what unpacks and observes it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from nixrepro.cache import folder
from nixrepro.config import Config
from nixrepro.errors import ResolveError
from nixrepro.lock import Artefact, Lock
from nixrepro.lock.sets import BOOTSTRAP, OBSERVER, wanted
from nixrepro.names import UPSTREAM
from nixrepro.registries.apt import Mirrors
from nixrepro.resolve.archive import Archives, Http
from nixrepro.resolve.index import Index
from nixrepro.resolve.package import Package
from nixrepro.resolve.setaside import missing_error
from nixrepro.resolve.signature import keyring
from nixrepro.resolve.solve import Solution, solve
from nixrepro.resolve.universe import Policy, Universe
from nixrepro.urls import public

_PYTHON = re.compile(r"python3\.\d+")
_MINIMAL = re.compile(r"python3\.\d+-minimal")


@dataclasses.dataclass(frozen=True)
class SystemAnswer:
    """The system layer: upstream versions of Python and glibc, and the packages' files."""

    python: str
    glibc: str
    artefacts: tuple[Artefact, ...]


def resolve_system(
    config: Config,
    *,
    http: Http,
    mirrors: Mirrors,
    keep: Lock | None,
    upgrade: frozenset[str] | None,
    as_of: date | None,
    keys: bytes | None = None,
    cache: Path | None = None,
) -> SystemAnswer:
    """Choose the Debian packages that a configuration asks for.

    Args:
        config: what is asked for.
        http: gets the archive's indexes.
        mirrors: where the archives are.
        keep: the lock whose versions stay where they still fit; None for none.
        upgrade: names whose versions move; empty for all, None for none.
        as_of: the day to see the archive at; None for now.
        keys: certificates that may sign the archive; None for those shipped with the package.
        cache: folder for index files; None for the user's.

    Raises:
        ResolveError: something can't be met or trusted.
        FetchError: an index can't be had.
        ConfigError: no mirror is known.
    """
    archives = Archives(
        http,
        mirrors,
        keyring() if keys is None else keys,
        folder("debian") if cache is None else cache,
        as_of,
    )
    overrides = dict(config.overrides)
    groups = (config.base.suite, *sorted(set(overrides.values()) - {config.base.suite}))
    indexes = [index for group in groups for index in archives.suite(group)]
    locked = [] if keep is None else [a for a in keep.artefacts if a.layer == "system"]
    main = _environment(config, indexes, groups, overrides, _stay(locked, indexes, upgrade))
    versions = {package.name: package.version for package in main.packages}
    python = next((name for name in main.needs.get("python3", ()) if _PYTHON.fullmatch(name)), "")
    if not python or "libc6" not in versions:
        raise ResolveError(
            f"the suite {config.base.suite} has no Python 3 or no GNU C library to stand on",
            hint="check the suite in tool.nixrepro.base and its mirror",
        )
    boot = _bootstrap(config.base.suite, indexes, locked)
    stays = _stay(locked, indexes, upgrade, "observer")
    observer = _observer(indexes, Policy(groups, overrides, stays), main)
    answer = [
        *_artefacts(main, "", config.record_urls, mirrors, as_of),
        *_artefacts(boot, "bootstrap", config.record_urls, mirrors, as_of),
        *_artefacts(observer, "observer", config.record_urls, mirrors, as_of),
    ]
    return SystemAnswer(_upstream(versions[python]), _upstream(versions["libc6"]), tuple(answer))


def _environment(
    config: Config,
    indexes: list[Index],
    groups: tuple[str, ...],
    overrides: Mapping[str, str],
    kept: frozenset[tuple[str, str, str]],
) -> Solution:
    universe = Universe(indexes, Policy(groups, overrides, kept))
    for name in sorted(overrides):
        if not universe.versions(name):
            raise missing_error(universe, name, "tool.nixrepro.overrides")
    solution = solve(universe, wanted(config))
    unused = sorted(overrides.keys() - solution.needs.keys())
    if unused:
        raise ResolveError(
            f"tool.nixrepro.overrides.{unused[0]}: nothing asks for the package {unused[0]}",
            hint="add it to tool.nixrepro.base.packages, or take the override away",
        )
    return solution


def _bootstrap(suite: str, indexes: list[Index], locked: list[Artefact]) -> Solution:
    """What unpacks stays whatever is upgraded, or all that it unpacked would be made anew."""
    fresh = Universe(indexes, Policy((suite,), {}))
    packages = fresh.versions("python3-minimal")
    if not packages:
        raise missing_error(fresh, "python3-minimal", "the set that unpacks")
    needs = (relation for need in packages[0].needs for relation in need)
    pythons = [relation.name for relation in needs if _MINIMAL.fullmatch(relation.name)]
    still = [a for a in locked if a.role == "bootstrap"]
    if not {a.name for a in still} & {*pythons}:  # another Python: nothing of it can stay
        still = []
    policy = Policy((suite,), {}, frozenset(_key(a) for a in still))
    return solve(Universe(indexes, policy), [*BOOTSTRAP, *pythons])


def _observer(indexes: list[Index], policy: Policy, main: Solution) -> Solution:
    """What the observer needs beyond the environment's packages, which it stands on as they are."""
    chosen = frozenset(_key(package) for package in main.packages)
    names = {package.name for package in main.packages}
    universe = Universe(indexes, dataclasses.replace(policy, fixed=chosen))
    try:
        whole = solve(universe, names.union(OBSERVER))
    except ResolveError as error:
        raise ResolveError(
            f"{' and '.join(OBSERVER)} does not fit the environment: {error.message}",
            hint="`nixrepro lock --upgrade` takes everything from one day of the archive",
        ) from error
    more = tuple(p for p in whole.packages if p.name not in names or p.name in OBSERVER)
    return Solution(more, whole.needs)


def _key(pinned: Artefact | Package) -> tuple[str, str, str]:
    return (pinned.name, pinned.version, pinned.sha256)


def _stay(
    locked: list[Artefact],
    indexes: Iterable[Index],
    upgrade: frozenset[str] | None,
    role: str = "",
) -> frozenset[tuple[str, str, str]]:
    """Which locked packages stay: all but those upgraded and what is built from their source."""
    here = [artefact for artefact in locked if artefact.role == role]
    if upgrade is None:
        return frozenset(_key(artefact) for artefact in here)
    if not upgrade:
        return frozenset()
    sources: dict[str, set[str]] = {}
    for artefact in here:
        found = (p for index in indexes for p in index.packages(artefact.name))
        sources[artefact.name] = {p.source for p in found}
    moving = {source for name in upgrade for source in sources.get(name, {name})}
    stays = (a for a in here if a.name not in upgrade and not sources[a.name] & moving)
    return frozenset(_key(artefact) for artefact in stays)


def _artefacts(
    solution: Solution, role: str, urls: bool, mirrors: Mirrors, as_of: date | None
) -> Iterable[Artefact]:
    for package in solution.packages:
        url = public(f"{mirrors.base(package.archive, as_of)}/{package.location}") if urls else ""
        yield Artefact(
            layer="system",
            name=package.name,
            version=package.version,
            kind="deb",
            role=role,
            file=package.location.rpartition("/")[2],
            size=package.size,
            sha256=package.sha256,
            archive=package.archive,
            location=package.location,
            url=url,
            dependencies=solution.needs[package.name],
        )


def _upstream(version: str) -> str:
    """The numbers of a Debian version: without epoch, pre-release, repack mark and revision."""
    found = UPSTREAM.match(version.rpartition(":")[2])
    return found[0] if found else version

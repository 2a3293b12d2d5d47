"""Resolves layer by layer, from the bottom, and only those whose question changed."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from nixrepro.config import Config, question
from nixrepro.errors import ResolveError
from nixrepro.lock import Artefact, Lock, lacking, order
from nixrepro.names import nearest, normalise
from nixrepro.resolve.data import resolve_data

if TYPE_CHECKING:
    from nixrepro.resolve.system import SystemAnswer

Names = frozenset[str] | None

# The parts of the question that a layer answers; a layer whose parts stayed keeps its artefacts.
_SYSTEM = ("base", "overrides", "record-urls")
_WHEELS = ("wheels", "requires-python", "record-urls")


class Resolve(Protocol):
    """What makes a lock from a configuration; tests may inject their own."""

    def __call__(
        self, config: Config, *, keep: Lock | None, upgrade: Names, as_of: date | None
    ) -> Lock: ...


class Layers(Protocol):
    """Resolves one layer each; `upgrade` holds only names that concern it."""

    def system(
        self, config: Config, *, keep: Lock | None, upgrade: Names, as_of: date | None
    ) -> SystemAnswer: ...

    def wheels(
        self,
        config: Config,
        *,
        python: str,
        glibc: str,
        keep: Lock | None,
        upgrade: Names,
        as_of: date | None,
    ) -> tuple[Artefact, ...]: ...


class Network:
    """The layers as the configured archives and indexes have them."""

    def system(
        self, config: Config, *, keep: Lock | None, upgrade: Names, as_of: date | None
    ) -> SystemAnswer:
        from nixrepro.http import Http
        from nixrepro.registries import apt
        from nixrepro.resolve.system import resolve_system

        mirrors = apt.find(config.base, os.environ)
        return resolve_system(
            config, http=Http(), mirrors=mirrors, keep=keep, upgrade=upgrade, as_of=as_of
        )

    def wheels(
        self,
        config: Config,
        *,
        python: str,
        glibc: str,
        keep: Lock | None,
        upgrade: Names,
        as_of: date | None,
    ) -> tuple[Artefact, ...]:
        from nixrepro.http import Http
        from nixrepro.registries import python as indexes
        from nixrepro.resolve.wheels import resolve_wheels

        registries = indexes.load(config.root)
        return resolve_wheels(
            config,
            python=python,
            glibc=glibc,
            registries=registries,
            http=Http(cert=registries.cert, proxy=registries.proxy),
            keep=keep,
            upgrade=upgrade,
            as_of=as_of,
        )


def resolve(
    config: Config,
    *,
    keep: Lock | None,
    upgrade: Names,
    as_of: date | None,
    layers: Layers | None = None,
) -> Lock:
    """The lock that answers a configuration.

    Args:
        config: what is asked.
        keep: the lock whose versions stay where they still fit, or None. Where it already
            answers, it is what comes back, and nothing outside the project is asked. One that
            lacks what this version of nixrepro asks for itself is completed.
        upgrade: names whose version may move; empty for all, None for none.
        as_of: resolve as of that day; a kept lock of another day is no help then.
        layers: how to resolve each; None for the configured archives and indexes.

    Raises:
        ResolveError: it can't be met, or `upgrade` names what the lock does not hold.
        FetchError: an archive or index can't be reached or trusted.
        ConfigError: a data file is not what its sha256 says.
    """
    layers = layers or Network()
    day = as_of.isoformat() if as_of else ""
    if keep is not None and keep.as_of != day:
        keep = None
    system_names, wheel_names = _share(upgrade, keep)
    asked = question(config)

    whole = keep is not None and not lacking(keep, config)
    if keep is not None and whole and system_names is None and _stays(keep, asked, _SYSTEM):
        python, glibc = keep.python, keep.glibc
        system = _of(keep, "deb")
    else:
        answer = layers.system(config, keep=keep, upgrade=system_names, as_of=as_of)
        python, glibc, system = answer.python, answer.glibc, answer.artefacts

    same_base = keep is not None and (keep.python, keep.glibc) == (python, glibc)
    if keep is not None and same_base and wheel_names is None and _stays(keep, asked, _WHEELS):
        wheels = _of(keep, "wheel", "sdist")
    else:
        wheels = layers.wheels(
            config, python=python, glibc=glibc, keep=keep, upgrade=wheel_names, as_of=as_of
        )
    artefacts = (*system, *wheels, *resolve_data(config, keep))
    return Lock(python, glibc, asked, tuple(sorted(artefacts, key=order)), day)


def _stays(keep: Lock, asked: dict[str, Any], parts: tuple[str, ...]) -> bool:
    return all(keep.question.get(part) == asked[part] for part in parts)


def _of(lock: Lock, *kinds: str) -> tuple[Artefact, ...]:
    return tuple(artefact for artefact in lock.artefacts if artefact.kind in kinds)


def _share(upgrade: Names, keep: Lock | None) -> tuple[Names, Names]:
    """Which of the names concern the system layer, and which the wheels."""
    if not upgrade or keep is None:
        return upgrade, upgrade
    debs = {artefact.name for artefact in _of(keep, "deb")}
    dists = {artefact.name for artefact in _of(keep, "wheel", "sdist")}
    for name in sorted(upgrade):
        if name not in debs and normalise(name) not in dists:
            near = nearest(name, debs | dists)
            hint = f"did you mean {near!r}?" if near else "nixrepro.lock lists all names"
            raise ResolveError(f"can't upgrade {name!r}: the lock does not hold it", hint=hint)
    system = frozenset(name for name in upgrade if name in debs)
    wheels = frozenset(normalise(name) for name in upgrade if normalise(name) in dists)
    return system or None, wheels or None

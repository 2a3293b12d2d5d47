"""The wheels layer: uv decides the versions, and of each one file is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from nixrepro.errors import ResolveError
from nixrepro.lock import Artefact, Lock, order
from nixrepro.names import normalise
from nixrepro.resolve import files, pylock
from nixrepro.resolve.pins import NONE, Pins
from nixrepro.resolve.sdist import build_requirements
from nixrepro.urls import is_remote, public
from nixrepro.uv import Answer, Target, Uv

if TYPE_CHECKING:
    from nixrepro.config import Config
    from nixrepro.http import Http
    from nixrepro.registries.python import Registries

_ACCELERATOR = ("nvidia-", "cuda-")


def resolve_wheels(
    config: Config,
    *,
    python: str,
    glibc: str,
    registries: Registries,
    http: Http,
    keep: Lock | None = None,
    upgrade: frozenset[str] | None = None,
    as_of: date | None = None,
) -> tuple[Artefact, ...]:
    """The files of all distributions asked for, and of what their sdists need to be built.

    Args:
        config: what is asked for.
        python: full version of the base's Python.
        glibc: version of the base's C library.
        registries: where distributions come from.
        http: fetches sdists, and files whose size or hash no index says.
        keep: its versions are taken again as long as they fit.
        upgrade: names whose versions may move; None for none, empty for all.
        as_of: nothing published after this day (UTC) is taken; the configuration may say another
            one, and the earlier counts.

    Raises:
        ResolveError: the requirements can't be met; its details are uv's explanation. Or the file
            of a pinned version has none of its hashes.
        FetchError: an index or sdist can't be had.
    """
    _check_python(config, python)
    if not config.wheels.requirements:
        return ()
    uv = Uv(config.root, registries.arguments, cert=registries.cert)
    target = Target.of(uv, python, glibc, _earlier(as_of, config.wheels.as_of))
    job = _Job(uv, http, target, config, glibc)
    pins = Pins.of(config.wheels, python)
    with pins.blamed():
        answer = uv.resolve(
            config.wheels.requirements,
            job.target,
            prefer=_preferences(keep, upgrade, ""),
            no_binary=job.no_binary,
            limits=pins.limits,
        )
    tools: dict[tuple[str, str], Artefact] = {}
    artefacts: list[Artefact] = []
    for choice in job.choices(answer, job.no_binary, pins):
        artefact = pins.checked(job.artefact(choice, ""))
        if choice.kind == "sdist":
            built_with = job.build_tools(choice, _preferences(keep, upgrade, "build"))
            tools |= {(tool.name, tool.version): tool for tool in built_with}
            names = sorted(f"{tool.name}=={tool.version}" for tool in built_with)
            artefact = replace(artefact, build=tuple(names))
        artefacts.append(artefact)
    linked = _linked(artefacts, pylock.needs(answer.notes))
    found = sorted((*linked, *tools.values()), key=order)
    if config.record_urls:
        remote = [index for index in registries.indexes if is_remote(index)]
        return files.recorded(found, remote, http)
    return tuple(found)


@dataclass(frozen=True)
class _Job:
    """What all resolutions of one lock have in common."""

    uv: Uv
    http: Http
    target: Target
    config: Config
    glibc: str

    @property
    def no_binary(self) -> tuple[str, ...]:
        return tuple(normalise(name) for name in self.config.wheels.no_binary)

    def choices(self, answer: Answer, no_binary: Iterable[str], pins: Pins) -> list[pylock.Choice]:
        python, glibc = self.target.python, self.glibc
        return [
            pylock.choose(each, python, glibc, no_binary, pins.hashes(each.name, each.version))
            for each in pylock.parse(answer.pylock)
        ]

    def artefact(self, choice: pylock.Choice, role: str) -> Artefact:
        package, file = choice.package, choice.file
        size, sha256 = file.size, file.sha256
        if not (size and sha256):
            size, sha256 = files.measure(self.http, file)
        accelerator = choice.kind == "wheel" and not role and package.name.startswith(_ACCELERATOR)
        recorded = (self.config.record_urls or package.direct) and is_remote(file.url)
        return Artefact(
            layer="accelerator" if accelerator else "wheels",
            name=package.name,
            version=package.version,
            kind=choice.kind,
            role=role,
            file=file.name,
            size=size,
            sha256=sha256,
            archive="",
            location="",
            url=public(file.url) if recorded else "",
        )

    def build_tools(self, choice: pylock.Choice, prefer: Mapping[str, str]) -> list[Artefact]:
        """The wheels that an sdist's build environment holds."""
        name = f"{choice.package.name} {choice.package.version}"
        file = choice.file
        requirements = build_requirements(self.http, file.name, file.url, file.sha256)
        if not requirements:
            return []
        try:
            answer = self.uv.resolve(requirements, self.target, prefer=prefer, wheels_only=True)
        except ResolveError as error:
            raise ResolveError(
                f"{name} exists as source only, and what builds it can't be had as wheels",
                hint="ask for a version that has a wheel",
                details=error.details,
            ) from error
        tools = [self.artefact(each, "build") for each in self.choices(answer, (), NONE)]
        return list(_linked(tools, pylock.needs(answer.notes)))


def _earlier(asked: date | None, stated: str) -> date | None:
    days = [day for day in (asked, date.fromisoformat(stated) if stated else None) if day]
    return min(days, default=None)


def _check_python(config: Config, python: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(config.requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        raise ResolveError(
            f"project.requires-python is no version range: {config.requires_python!r}",
            hint='write it like ">=3.11" in pyproject.toml',
        ) from None
    if not fits:
        raise ResolveError(
            f"project.requires-python is {config.requires_python!r}, and the Python of "
            f"{config.base.suite} is {python}",
            hint="change requires-python, or tool.nixrepro.base.suite, in pyproject.toml",
        )


def _preferences(keep: Lock | None, upgrade: frozenset[str] | None, role: str) -> dict[str, str]:
    """The locked versions that are to stay; where two are locked, the higher."""
    if keep is None or upgrade == frozenset():
        return {}
    moving = {normalise(name) for name in upgrade or ()}
    return {
        artefact.name: artefact.version
        for artefact in keep.artefacts
        if artefact.kind in ("wheel", "sdist")
        and artefact.role == role
        and artefact.name not in moving
    }


def _linked(artefacts: Sequence[Artefact], needs: Mapping[str, set[str]]) -> tuple[Artefact, ...]:
    """The artefacts with their dependencies, which a lock names within one layer only."""
    layers = {artefact.name: artefact.layer for artefact in artefacts}
    return tuple(
        replace(
            artefact,
            dependencies=tuple(
                sorted(
                    name
                    for name in needs.get(artefact.name, ())
                    if layers.get(name) == artefact.layer and name != artefact.name
                )
            ),
        )
        for artefact in artefacts
    )

"""The part of a configuration that a lock answers."""

from __future__ import annotations

from typing import Any

from nixrepro.config.model import Config, Data
from nixrepro.runtime.numerics import PORTABLE


def question(config: Config) -> dict[str, Any]:
    """What a lock must answer, as plain values that have one canonical form.

    Seed, command, settings and mirrors are left out: they change no artefact.
    """
    return {
        "record-urls": config.record_urls,
        "requires-python": config.requires_python,
        "base": {
            "source": config.base.source,
            "suite": config.base.suite,
            "packages": sorted({*config.base.packages, *_compiler(config)}),
        },
        "overrides": dict(config.overrides),
        "wheels": {
            "requirements": sorted(set(config.wheels.requirements)),
            "no-binary": sorted(set(config.wheels.no_binary)),
        },
        "data": {data.name: _data(data) for data in config.data},
    }


def _compiler(config: Config) -> tuple[str, ...]:
    """What the virtual CPU of the portable profile is built with."""
    return ("gcc",) if config.numerics.profile == PORTABLE else ()


def _data(data: Data) -> dict[str, Any]:
    asked: dict[str, Any] = {"sha256": data.sha256}
    if data.url:
        asked["url"] = data.url
    if data.path:
        asked["path"] = data.path
    if data.size is not None:
        asked["size"] = data.size
    if data.optional:
        asked["optional"] = True
    return asked

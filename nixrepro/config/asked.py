"""The part of a configuration that a lock answers."""

from __future__ import annotations

from typing import Any

from nixrepro.canonical import digest
from nixrepro.config.model import Config, Data, Wheels
from nixrepro.imports.model import Pin
from nixrepro.names import normalise
from nixrepro.runtime.numerics import PORTABLE

_DIGITS = 16
_COMPILER = "gcc"
# Of the base: what the numerics profile adds.
FOR_PROFILE = "for-profile"


def question(config: Config) -> dict[str, Any]:
    """What a lock must answer, as plain values that have one canonical form.

    Seed, command, settings and mirrors are left out: they change no artefact.
    """
    base: dict[str, Any] = {
        "source": config.base.source,
        "suite": config.base.suite,
        "packages": sorted({*config.base.packages}),
    }
    if added := compiler(config):
        base[FOR_PROFILE] = list(added)
    return {
        "record-urls": config.record_urls,
        "requires-python": config.requires_python,
        "base": base,
        "overrides": dict(config.overrides),
        "wheels": _wheels(config.wheels),
        "data": {data.name: _data(data) for data in config.data if not data.reference},
    }


def _wheels(wheels: Wheels) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "requirements": sorted(set(wheels.requirements)),
        "no-binary": sorted(set(wheels.no_binary)),
    }
    # Left out where there are none: a lock that was made before these keys existed stays good.
    if wheels.as_of:
        asked["as-of"] = wheels.as_of
    if pins := {_pin(pin) for pin in wheels.pins if _says_more(pin, wheels.requirements)}:
        asked["pins"] = sorted(pins)
    if wheels.constraints:
        asked["constraints"] = sorted(set(wheels.constraints))
    return asked


def _pin(pin: Pin) -> str:
    """A pin in a line; of its hashes, which may be dozens, a digest."""
    said = f"{pin.name} @ {pin.url}" if pin.url else f"{pin.name}=={pin.version}"
    said += f" ; {pin.marker}" if pin.marker else ""
    return f"{said} hashes:{digest(pin.hashes)[:_DIGITS]}" if pin.hashes else said


def _says_more(pin: Pin, requirements: tuple[str, ...]) -> bool:
    """Whether a pin is more than one of the requirements themselves."""
    if pin.hashes:
        return True
    for line in requirements:
        name, _, version = line.partition(";")[0].partition("==")
        if normalise(name.partition("[")[0].strip()) == pin.name and version.strip() == pin.version:
            return False
    return not pin.url


def compiler(config: Config) -> tuple[str, ...]:
    """What the virtual CPU of the portable profile is built with, where it is not asked anyway."""
    asked = config.numerics.profile != PORTABLE or _COMPILER in config.base.packages
    return () if asked else (_COMPILER,)


def _data(data: Data) -> dict[str, Any]:
    asked: dict[str, Any] = {"sha256": data.sha256} if data.sha256 else {"digest": data.digest}
    if data.url:
        asked["url"] = data.url
    if data.path:
        asked["path"] = data.path
    if data.size is not None:
        asked["size"] = data.size
    if data.optional:
        asked["optional"] = True
    return asked

"""What changed: between a lock and the configuration, and between two locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nixrepro.config import Config, question
from nixrepro.config.asked import FOR_PROFILE
from nixrepro.lock.model import LAYERS, Artefact, Lock

_BASES, _PROFILES = "base.packages", f"base.{FOR_PROFILE}"


@dataclass(frozen=True)
class Change:
    """One value of the question: what the lock answers, and what is asked now ("" for none)."""

    key: str
    old: str
    new: str


@dataclass(frozen=True)
class Move:
    """One artefact from one lock to the next; versions, "" where it is not there.

    Equal versions mean that the version stayed while the file, and so the hash, changed.
    """

    layer: str
    role: str
    name: str
    old: str
    new: str


def compare(lock: Lock, config: Config) -> list[Change]:
    """What of the question changed since the lock was made, by key; empty where nothing did.

    A package that the lock has for the portable profile is no change when nobody asks for it now:
    settings outdate no lock.
    """
    old, new = _flat(lock.question), _flat(question(config))
    found: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, list) or isinstance(after, list):
            was, now = before or [], after or []
            found += [Change(key, str(item), "") for item in was if item not in now]
            found += [Change(key, "", str(item)) for item in now if item not in was]
        elif before != after:
            found.append(Change(key, _spell(before), _spell(after)))
    had, wants = ({*_packages(each)} for each in (old, new))
    return [
        each
        for each in found
        if not (each.key == _PROFILES and each.old)
        and not (each.key in (_BASES, _PROFILES) and {each.old, each.new} & had & wants)
    ]


def _packages(values: dict[str, Any]) -> list[str]:
    return [*values.get(_BASES, []), *values.get(_PROFILES, [])]


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{name}."))
        else:
            found[prefix + name] = value
    return found


def _spell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def changes(old: Lock | None, new: Lock) -> list[Move]:
    """The artefacts that were added, removed or changed, in the order of a lock."""
    before, after = _by_place(old), _by_place(new)
    moves: list[Move] = []
    for place in sorted(before.keys() | after.keys(), key=lambda key: (LAYERS.index(key[0]), key)):
        was, now = before.get(place, []), after.get(place, [])
        if {item.sha256 for item in was} != {item.sha256 for item in now}:
            moves.append(Move(*place, _versions(was), _versions(now)))
    return moves


def _by_place(lock: Lock | None) -> dict[tuple[str, str, str], list[Artefact]]:
    found: dict[tuple[str, str, str], list[Artefact]] = {}
    for artefact in lock.artefacts if lock else ():
        found.setdefault((artefact.layer, artefact.role, artefact.name), []).append(artefact)
    return found


def _versions(artefacts: list[Artefact]) -> str:
    return ", ".join(artefact.version or artefact.sha256[:12] for artefact in artefacts)

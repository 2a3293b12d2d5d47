"""Pinned data that differs: what of it a trial can take from the other run, and what it can't."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nixrepro.explain.model import Unit
from nixrepro.explain.sides import Side

_DIGITS = 12


def data(a: Side, b: Side) -> Iterator[Unit]:
    """The pinned data that two runs have otherwise, each file or folder a unit."""
    old, new = (_sums(side) for side in (a, b))
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was == now:
            continue
        reason = "; ".join(f"{side.name}: {side.gap}" for side in (a, b) if side.gap)
        if not all(pinned for _, pinned in filter(None, (was, now))):
            reason = "the program took it from the network, and only its digest is recorded"
        if not reason:
            reason = _unlike(a, b, name) or _gone(a, name) or _gone(b, name)
        yield Unit(
            "data", f"data.{name}", f"the data file {name}", _short(was), _short(now), reason
        )


def _sums(side: Side) -> dict[str, tuple[Any, bool]]:
    """Digest of each data file, and whether it is pinned."""
    entries = side.layers.get("data")
    if not isinstance(entries, list):
        return {}
    found: dict[str, tuple[Any, bool]] = {}
    for each in entries:
        pinned = bool(each.get("pinned", True))
        sha256 = each["sha256"]
        if each.get("kind") == "dvc":  # by its MD5; what no run was checked for says nothing
            sha256 = str(each.get("digest")).partition(":")[2] if pinned else None
        if isinstance(sha256, str):
            found[each["name"]] = (sha256, pinned)
    return found


def referred(side: Side) -> frozenset[str]:
    """Names of the data that is not in the store."""
    entries = side.layers.get("data")
    return frozenset(e["name"] for e in entries if "pin" in e) if entries else frozenset()


def lendable(a: Side, b: Side) -> frozenset[str]:
    """Names of the data by reference that either run had otherwise and that both can be lent."""
    old, new = _sums(a), _sums(b)
    return frozenset(n for n in a.places.keys() & b.places.keys() if old.get(n) != new.get(n))


def _unlike(a: Side, b: Side, name: str) -> str:
    """Why data can't be exchanged that only one of two runs had by reference."""
    one, two = (name in referred(side) for side in (a, b))
    return "" if one == two else f"only {a.name if one else b.name} had it by reference"


def _gone(side: Side, name: str) -> str:
    """Why a trial can't have what a run had by reference; "" where it can, or had none so."""
    if name not in referred(side) or name in side.places:
        return ""
    return f"{side.name} had it by reference, and it is neither committed nor there any more"


def sums(side: Side) -> dict[str, str]:
    """Digest of each data file or folder."""
    return {name: str(value) for name, (value, _) in _sums(side).items()}


def _short(value: tuple[Any, bool] | None) -> str:
    return str(value[0])[:_DIGITS] if value else "none"

"""Compares two sides, layer by layer; pure: it looks at nothing but them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nixrepro.diff.model import (
    ADDED,
    ARTEFACTS,
    CHANGED,
    CONTENT,
    INPUT,
    LAYERS,
    REMOVED,
    STORE,
    Change,
    Code,
    Difference,
    Package,
    Part,
    Results,
    Side,
    Unknown,
)
from nixrepro.diff.names import store_packages


def compare(a: Side, b: Side, results: Results | None = None) -> Difference:
    """What differs between two sides.

    Args:
        a: the first.
        b: the second.
        results: how their results differ, where they have some.
    """
    parts = [_layer(layer, a, b) for layer in LAYERS]
    parts.append(_store(a, b))
    return Difference(a.name, b.name, tuple(parts), results or Results())


def _layer(layer: str, a: Side, b: Side) -> Part:
    if layer in ARTEFACTS:
        if layer in a.packages and layer in b.packages:
            return Part(layer, packages(_with(layer, a, b), _with(layer, b, a)))
    elif layer == "code":
        if a.code and b.code:
            return _code(a.code, b.code)
    elif layer in a.facts and layer in b.facts:
        return _facts(layer, a, b)
    reasons = _reasons(a.unknown.get(layer), b.unknown.get(layer))
    # What neither side is asked about is no gap.
    return Part(layer, unknown=(("", reasons),) if reasons else ())


def _reasons(a: str | None, b: str | None) -> str:
    """Why one side or both don't know something; the side is named where it is one of them."""
    if a == b:
        return a or ""
    return "; ".join(f"{side}: {reason}" for side, reason in (("a", a), ("b", b)) if reason)


def packages(old: Iterable[Package], new: Iterable[Package]) -> tuple[Change, ...]:
    """The packages that were added, removed, or are of another version or another content."""
    before, after = _by_name(old), _by_name(new)
    found = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key, ()), after.get(key, ())
        if was == now:
            continue
        subject = key[0] + (f" ({key[1]})" if key[1] else "")
        if not was or not now:
            kind = ADDED if now else REMOVED
        elif [each.version for each in was] != [each.version for each in now]:
            kind = CHANGED
        elif _differ(was, now):
            kind = CONTENT
        else:
            continue
        found.append(Change(subject, kind, _said(was, kind), _said(now, kind)))
    return tuple(found)


def _by_name(items: Iterable[Package]) -> dict[tuple[str, str], tuple[Package, ...]]:
    found: dict[tuple[str, str], tuple[Package, ...]] = {}
    for item in items:
        key = (item.name, item.role)
        # A closure may hold one name, and even one version, more than once.
        found[key] = tuple(sorted((*found[key], item), key=_order)) if key in found else (item,)
    return found


def _order(package: Package) -> tuple[str, str, str, str]:
    return (package.version, package.sha256, package.nar_hash, package.path)


def _differ(was: tuple[Package, ...], now: tuple[Package, ...]) -> bool:
    """Whether contents that both sides know are not the same ones."""
    for key in ("sha256", "nar_hash"):
        old = sorted(getattr(each, key) for each in was)
        new = sorted(getattr(each, key) for each in now)
        if old[0] and new[0] and old != new:
            return True
    return False


def _said(packages: tuple[Package, ...], kind: str) -> str | None:
    if not packages:
        return None
    if kind == CONTENT:
        return ", ".join(_content(each) for each in packages)
    return ", ".join(each.version or _content(each) or "there" for each in packages)


def _content(package: Package) -> str:
    return (package.nar_hash.removeprefix("sha256:") or package.sha256)[:12]


def _with(layer: str, side: Side, other: Side) -> Iterator[Package]:
    """A side's packages of a layer, but for those of roles that the other one knows nothing of."""
    inputs = any(each.role == INPUT for each in other.packages[layer])
    for each in side.packages[layer]:
        if not each.role or (inputs if each.role == INPUT else side.roles and other.roles):
            yield each


def _why(*values: Any) -> str:
    return _reasons(*(each.reason if isinstance(each, Unknown) else None for each in values))


def _facts(layer: str, a: Side, b: Side) -> Part:
    old, new = a.facts[layer], b.facts[layer]
    changes: list[Change] = []
    unknown: list[tuple[str, str]] = []
    for key in sorted(old.keys() | new.keys()):
        was, now = _fact(a, layer, key), _fact(b, layer, key)
        if isinstance(was, Unknown) or isinstance(now, Unknown):
            unknown.append((key, _why(was, now)))
        elif was != now:
            kind = ADDED if was is None else REMOVED if now is None else CHANGED
            changes.append(Change(key, kind, was, now, _members(was, now)))
    return Part(layer, tuple(changes), tuple(unknown))


def _fact(side: Side, layer: str, key: str) -> Any:
    facts: Mapping[str, Any] = side.facts[layer]
    if key not in facts:
        for place, reason in side.unknown.items():
            if f"{layer}.{key}.".startswith(f"{place}."):
                return Unknown(reason)
    return facts.get(key)


def _members(was: Any, now: Any) -> tuple[str, ...]:
    """Of two lists what was added and removed."""
    if not (isinstance(was, tuple) and isinstance(now, tuple)):
        return ()
    plus = [f"+{each}" for each in now if each not in was]
    return (*plus, *(f"-{each}" for each in was if each not in now))


def _code(a: Code, b: Code) -> Part:
    changes, unknown = [], []
    if isinstance(a.tree, Unknown) or isinstance(b.tree, Unknown):
        unknown.append(("tree", _why(a.tree, b.tree)))
    elif a.tree != b.tree:
        named = (("a", a), ("b", b)) if a.names != b.names else ()
        detail = tuple(f"{side}: {' of '.join(code.names)}" for side, code in named if code.names)
        changes.append(Change("tree", CHANGED, a.tree, b.tree, detail))
    for path in sorted(a.large.keys() | b.large.keys()):
        was, now = a.large.get(path), b.large.get(path)
        if isinstance(was, Unknown) or isinstance(now, Unknown):
            unknown.append((path, _why(was, now)))
        elif was != now:
            kind = ADDED if was is None else REMOVED if now is None else CHANGED
            changes.append(Change(path, kind, was, now))
    return Part("code", tuple(changes), tuple(unknown))


def _store(a: Side, b: Side) -> Part:
    if a.closure is None or b.closure is None:
        reasons = _reasons(a.unknown.get(STORE), b.unknown.get(STORE))
        return Part(STORE, unknown=(("", reasons),) if reasons else ())
    named = {each.path for side in (a, b) for items in side.packages.values() for each in items}
    old = [each for each in store_packages(a.closure) if each.path not in named]
    new = [each for each in store_packages(b.closure) if each.path not in named]
    return Part(STORE, packages(old, new))

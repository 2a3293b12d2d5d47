"""The names and versions in store paths, and the fields of nested tables as flat keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nixrepro.closure import Closure
from nixrepro.diff.model import Package, Unknown

# As Nix itself parts them: the version begins behind the first dash that no letter follows.
_PARTED = re.compile(r"-(?=[^a-zA-Z])")
_HASH = 32


def store_name(path: str) -> tuple[str, str]:
    """Name and version that a store path tells; no version where it has none."""
    whole = path.rsplit("/", 1)[-1][_HASH + 1 :]
    parts = _PARTED.split(whole, maxsplit=1)
    return (parts[0], parts[1]) if len(parts) > 1 else (whole, "")


def store_packages(closure: Closure) -> tuple[Package, ...]:
    """The store paths of a closure as packages."""
    return tuple(
        Package(*store_name(item.path), nar_hash=item.nar_hash, path=item.path)
        for item in closure.paths
    )


def flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A nested table as one of dotted keys; lists of texts become tuples, unknowns `Unknown`."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and set(value) == {"unknown"}:
            found[name] = Unknown(str(value["unknown"]))
        elif isinstance(value, dict):
            found.update(flat(value, f"{name}."))
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for place, each in enumerate(value):
                found.update(flat(each, f"{name}.{place}."))
        else:
            found[name] = tuple(value) if isinstance(value, list) else value
    return found

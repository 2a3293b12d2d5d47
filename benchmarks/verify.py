"""The check of the closure beside `nix store verify` of the same store paths, in turn."""

from __future__ import annotations

import json
from pathlib import Path

import measure
import ours
from table import Row

from nixrepro.closure import of_document

_GIGABYTE = 1e9


def closure(root: Path, built: ours.Closure, times: int) -> Row:
    """Time both, as the person at the keyboard does: start, evaluation and report included.

    The goal is a gigabyte a second, and to be ahead of Nix.

    Args:
        root: the project.
        built: what its flake builds, in the machine's store.
        times: readings of each.

    Raises:
        measure.Failed: one of them failed, or found damage.
    """
    own: list[measure.Word] = ["nixrepro", "verify", "--only", "closure", "--json"]
    nix: list[measure.Word] = ["nix", "store", "verify", "--no-trust", "--recursive"]
    nix += [built.environment, built.facts, built.settings]
    ours_, theirs = measure.alternately(
        times, lambda: measure.run(own, cwd=root), lambda: measure.run(nix)
    )
    size = of_document(json.loads(built.facts.read_bytes())).size / _GIGABYTE
    what = f"closure checked: {size:.1f} GB, {size / ours_.seconds:.2f} GB/s"
    return Row(
        what, ours_.seconds, "nix store verify", theirs.seconds, most=round(size, 2), most_ratio=1
    )

"""Builds training derivations side by side, and tells apart which failed and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nixrepro.complaints import failed
from nixrepro.nix_store import Output, Store

_DERIVATION = r"'(/nix/store/[^']+\.drv)'"
# As Nix 2.8 says it, and as later ones do, which say why: it may be a dependency, or the time.
_FAILED = re.compile(
    rf"(?:builder for {_DERIVATION} failed|Cannot build {_DERIVATION}\.\s+Reason: builder failed)"
)
_FULL = "No space left on device"
_NAME = 33  # the hash of a store path, and a dash
# The supervisor's own words, and what a terminal would colour.
_OURS = re.compile(r"^\s*$|^nixrepro: ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Built:
    """One derivation's end.

    Args:
        path: what it makes, whether or not it is there.
        reason: why it failed; "" where it is there.
    """

    path: str
    reason: str = ""


def build(folder: Path, names: Sequence[str], store: Store) -> list[Built]:
    """Build the training derivations of some projects; what can't be built stops no other.

    Args:
        folder: that the projects lie in.
        names: of their folders, in the order of the answer.
        store: whose Nix builds them.

    Raises:
        BuildError: one can't be evaluated, or Nix failed for a reason that is no builder's.
    """
    outputs = store.instantiate(folder, names, "run")
    done = store.build_all(output.derivation for output in outputs)
    there = store.valid([output.path for output in outputs])
    if len(there) == len({output.path for output in outputs}):
        return [Built(output.path) for output in outputs]
    if _FULL in done.stderr:  # that it fails today says nothing
        raise failed(done)
    broken = failures(done.stderr)
    found = []
    for output in outputs:
        reason = "" if output.path in there else _reason(output, broken, store)
        if reason is None:
            raise failed(done)
        found.append(Built(output.path, reason))
    return found


def failures(stderr: str) -> set[str]:
    """The derivations whose builders failed, by what Nix said."""
    return {match[1] or match[2] for match in _FAILED.finditer(_COLOUR.sub("", stderr))}


def last_word(log: str) -> str:
    """The last line of a log that the program wrote, not its supervisor."""
    lines = [_COLOUR.sub("", line).strip() for line in log.splitlines()]
    said = [line for line in lines if not _OURS.search(line)]
    return said[-1] if said else "it said nothing"


def _reason(output: Output, broken: set[str], store: Store) -> str | None:
    """Why an output is not there; None where no builder is to blame."""
    if output.derivation in broken:
        return f"the program failed: {last_word(store.log(output.derivation))}"
    for path in store.requisites([output.derivation]):
        if path in broken:
            name = path.rpartition("/")[2][_NAME:].removesuffix(".drv")
            return f"{name} could not be built: {last_word(store.log(path))}"
    return None

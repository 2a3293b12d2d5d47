"""A lock and its changes as rows of a table, for people."""

from __future__ import annotations

from collections import Counter

from nixrepro.lock.compare import Move
from nixrepro.lock.model import Lock


def counted(lock: Lock) -> list[tuple[str, str]]:
    """For each layer, how many artefacts a lock has."""
    counts = Counter(_layer(artefact.layer, artefact.role) for artefact in lock.artefacts)
    return [(name, str(count)) for name, count in counts.items()]


def moved(move: Move) -> tuple[str, str, str, str]:
    """Layer, name, and what it moved from and to."""
    new = f"{move.new} (another file)" if move.new == move.old else move.new or "removed"
    return _layer(move.layer, move.role), move.name, move.old or "-", new


def _layer(layer: str, role: str) -> str:
    return f"{layer} ({role})" if role else layer

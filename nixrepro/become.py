"""Turns this process into another program; apart from `process`, which a warm start never needs."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def replace(argv: Sequence[str], env: Mapping[str, str]) -> None:
    """Become another program: its signals, terminal and exit status are then its own."""
    os.execve(argv[0], list(argv), dict(env))

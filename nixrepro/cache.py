"""The tool's folder in the user's cache; all in it can be made or fetched again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def folder(name: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where one kind of thing is kept, by the XDG Base Directory Specification.

    Args:
        name: of the kind.
        environ: the user's variables.
    """
    home = environ.get("XDG_CACHE_HOME", "")
    # The specification has what is not absolute ignored.
    base = Path(home) if home.startswith("/") else Path.home() / ".cache"
    return base / "nixrepro" / name

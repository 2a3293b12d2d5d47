"""The shapes of names that may reach a folder, a command line or a Nix expression."""

from __future__ import annotations

import re
from collections.abc import Iterable

SUITES = ("bullseye", "bookworm", "trixie", "sid")

DEB = re.compile(r"[a-z0-9][a-z0-9+.-]{1,100}")
DEB_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~-]{0,100}")
WHEEL = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
WHEEL_VERSION = re.compile(r"[0-9][A-Za-z0-9.!+_-]{0,100}")
DATA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9+._~%!-]{0,200}")
SHA256 = re.compile(r"[0-9a-f]{64}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
URL = re.compile(r"(?:https?|file)://[A-Za-z0-9._~:/?#@!&()*+,;=%\[\]-]{1,2000}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
UPSTREAM = re.compile(r"[0-9]+(?:\.[0-9]+){1,2}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PART = re.compile(r"[^\x00-\x1f\x7f\"'\\/$`{}]{1,200}")


def counted(number: int, name: str) -> str:
    """A number with what it counts, such as "1 file" or "2 files"."""
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def is_inside(path: str) -> bool:
    """Whether a relative path stays in its folder and breaks out of no string."""
    parts = path.split("/")
    return all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)


def normalise(name: str) -> str:
    """The one spelling of a Python distribution's, extra's or dependency group's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def nearest(name: str, valid: Iterable[str]) -> str:
    """The valid name that was most likely meant, or "" where none is near."""
    from difflib import get_close_matches

    found = get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return found[0] if found else ""

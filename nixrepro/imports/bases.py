"""Which suite of the base fits what another system was made of."""

from __future__ import annotations

import re

# The suite decides the Python.
PYTHONS = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}
# Debian's numbers, and of other releases the suite whose C library is the nearest.
_RELEASES = {
    "9": "bullseye",
    "10": "bullseye",
    "11": "bullseye",
    "12": "bookworm",
    "13": "trixie",
    "stretch": "bullseye",
    "buster": "bullseye",
    "bionic": "bullseye",
    "focal": "bullseye",
    "jammy": "bookworm",
    "noble": "trixie",
    "18.04": "bullseye",
    "20.04": "bullseye",
    "22.04": "bookworm",
    "24.04": "trixie",
    "sid": "sid",
    "testing": "sid",
    "unstable": "sid",
    "oldoldstable": "bullseye",
    "oldstable": "bookworm",
    "stable": "trixie",
}


def minor(python: str) -> str:
    """The "3.9" of "3.9.7", "=3.9" or "3.9.*"; "" where no one version is named."""
    found = re.match(r"={0,2}\s*(\d+\.\d+)", python)
    return found[1] if found else ""


def of_python(python: str) -> tuple[str, str]:
    """The suite with that Python, or with the nearest, and then why it isn't that one.

    Args:
        python: such as "3.9" or "3.9.7".

    Returns:
        A suite, and "" or a sentence.
    """
    wanted = minor(python)
    exact = next((suite for suite, has in PYTHONS.items() if has == wanted), "")
    if exact:
        return exact, ""
    number = int(wanted.split(".")[1])
    by_distance = sorted(PYTHONS, key=lambda suite: (abs(_minor(suite) - number), -_minor(suite)))
    suite = by_distance[0]
    return suite, f"no suite has Python {wanted}: {suite} has {PYTHONS[suite]}, the nearest"


def of_release(name: str) -> str:
    """The suite for a release named in an image's tag, "" where it names none that is known."""
    for word in re.split(r"[^A-Za-z0-9.]+", name.lower()):
        release = re.sub(r"^(ubuntu|debian)(?=\d)", "", word)
        if release in PYTHONS:
            return release
        if release in _RELEASES:
            return _RELEASES[release]
    return ""


def _minor(suite: str) -> int:
    return int(PYTHONS[suite].split(".")[1])

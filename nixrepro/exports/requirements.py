"""A requirements.txt that pip installs with --require-hashes."""

from __future__ import annotations

from nixrepro.exports.distributions import HEAD, by_url, distributions, python_series
from nixrepro.lock import Lock


def requirements(lock: Lock, files: str) -> str:
    """The lock's distributions, each with the hash of the one file that it names.

    What is an sdist there is built here too, although an index may have a wheel. No index is
    named, and no folder: those are of who installs it.
    """
    found, direct = distributions(lock), by_url(lock)
    lines = [HEAD, f"# For Python {python_series(lock)} on Linux, x86-64, glibc {lock.glibc}."]
    lines += [f"--no-binary {each.name}" for each in found if each.kind == "sdist"]
    for each in found:
        asked = f" @ {each.url}" if each.name in direct else f"=={each.version}"
        lines += [f"{each.name}{asked} \\", f"    --hash=sha256:{each.sha256}"]
    return "\n".join(lines) + "\n"

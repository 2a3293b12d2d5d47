"""A pylock.toml (PEP 751), which names for each distribution the one file that the lock names."""

from __future__ import annotations

from nixrepro.exports.distributions import HEAD, by_url, distributions, python_series
from nixrepro.lock import Artefact, Lock
from nixrepro.toml_edit import pair

_ENVIRONMENT = "sys_platform == 'linux' and platform_machine == 'x86_64'"


def pylock(lock: Lock, files: str) -> str:
    """The lock's distributions.

    Args:
        lock: the lock.
        files: the folder, relative to where the pylock.toml will be, in which to look for a file
            of which the lock names no URL.
    """
    direct = by_url(lock)
    lines = [
        HEAD,
        pair("lock-version", "1.0"),
        pair("environments", [_ENVIRONMENT]),
        pair("requires-python", f"=={python_series(lock)}.*"),
        pair("created-by", "nixrepro"),
    ]
    found = distributions(lock)
    if not found:
        lines.append("packages = []")
    for each in found:
        lines += ["", "[[packages]]", pair("name", each.name), pair("version", each.version)]
        if each.name in direct:
            lines += ["[packages.archive]", *_place(each, files)]
        elif each.kind == "sdist":
            lines += ["[packages.sdist]", pair("name", each.file), *_place(each, files)]
        else:
            lines += ["[[packages.wheels]]", pair("name", each.file), *_place(each, files)]
    return "\n".join(lines) + "\n"


def _place(artefact: Artefact, files: str) -> list[str]:
    """Where the file is, its size and hash."""
    place = ("url", artefact.url) if artefact.url else ("path", f"{files}/{artefact.file}")
    return [
        pair(*place),
        pair("size", artefact.size),
        f'hashes = {{ sha256 = "{artefact.sha256}" }}',
    ]

"""The options of a requirements file: what each means for a lock, or why it means nothing."""

from __future__ import annotations

import re

from nixrepro.imports import links
from nixrepro.imports.model import Left, fail
from nixrepro.names import normalise

_INDEX = "it is asked where your own pip or uv configuration says, not where this file does"
_UNUSED = {
    "index_url": ("--index-url", _INDEX),
    "extra_index_urls": ("--extra-index-url", _INDEX),
    "find_links": ("--find-links", _INDEX),
    "no_index": ("--no-index", _INDEX),
    "trusted_hosts": ("--trusted-host", _INDEX),
    "only_binary": ("--only-binary", "a wheel is taken wherever there is one that fits"),
    "pre": ("--pre", "a prerelease is taken only where a requirement names one"),
    "use_features": ("--use-feature", "it is an option of pip alone"),
}
_NOTHING = ("prefer_binary", "require_hashes")  # what a lock does anyway
_SHA256 = re.compile(r"[0-9a-f]{64}")


def unused(name: str, values: list[object], line: int, file: str) -> Left | None:
    """What to say of an option that changes nothing; None where there is nothing to be said.

    Args:
        name: as the parser calls it.
        values: what it was given.
        line: where it stands.
        file: in which file.
    """
    if name in _NOTHING:
        return None
    told = (f"--{name.replace('_', '-')}", "pip itself does not know it any more")
    spelled, reason = _UNUSED.get(name, told)
    said = [links.shown(str(each)) for each in values if each is not True]
    return Left(line, " ".join([spelled, *said]), reason, file=file)


def build(no_binary: set[str], values: list[object]) -> None:
    """Add to the names that are built from source what a --no-binary names, as pip reads it."""
    for name in (part.strip() for value in values for part in str(value).split(",")):
        if name == ":none:":
            no_binary.clear()
        elif name:
            no_binary.add(name if name == ":all:" else normalise(name))


def hashes(said: object, line: int, file: str) -> tuple[str, ...]:
    """The SHA-256 digests among the --hash options of a requirement, sorted.

    Raises:
        ImportFileError: one is none, or there are only hashes of other kinds.
    """
    stated = [str(each) for each in said] if isinstance(said, list) else []
    found = set()
    for kind, _, digest in (each.partition(":") for each in stated):
        if kind == "sha256":
            if not _SHA256.fullmatch(digest.lower()):
                fail(file, line, f"is no SHA-256: {digest!r}")
            found.add(digest.lower())
    if stated and not found:
        fail(file, line, "only SHA-256 hashes can be checked", "add one")
    return tuple(sorted(found))

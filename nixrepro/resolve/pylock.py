"""uv's answer (PEP 751), and of each package the one file that a Python on Linux uses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nixrepro.errors import ResolveError
from nixrepro.names import normalise
from nixrepro.urls import file_name

if TYPE_CHECKING:
    from packaging.tags import Tag

ALL = ":all:"
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_OLDEST = 5


@dataclass(frozen=True)
class File:
    """One published file; `size` is 0 and `sha256` "" where the index does not say."""

    name: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Package:
    """One version of a distribution and its files; `direct`: asked for by the URL of its only one.

    An index need not know a direct one.
    """

    name: str
    version: str
    wheels: tuple[File, ...]
    sdist: File | None
    direct: bool = False


@dataclass(frozen=True)
class Choice:
    """The file that stands for a package; `kind` is "wheel" or "sdist"."""

    package: Package
    file: File
    kind: str


def parse(text: str) -> tuple[Package, ...]:
    """The packages of a pylock.toml, as uv prints it.

    Raises:
        ResolveError: a package comes from elsewhere than an index.
    """
    import tomli

    return tuple(_package(entry) for entry in tomli.loads(text).get("packages", []))


def choose(
    package: Package,
    python: str,
    glibc: str,
    no_binary: Iterable[str],
    hashes: Collection[str] = (),
) -> Choice:
    """The best wheel for that Python and glibc, or else the sdist.

    Args:
        package: what there is.
        python: such as "3.11.2".
        glibc: such as "2.36".
        no_binary: normalised names to build from source; ":all:" for all.
        hashes: the SHA-256 digests that may be taken; empty for any.

    Raises:
        ResolveError: there is no file that fits.
    """

    def may_be(file: File) -> bool:  # where the index says no digest, it is seen later
        return not (hashes and file.sha256) or file.sha256 in hashes

    if not {package.name, ALL} & set(no_binary):
        ranks = _ranks(python, glibc)
        wheels = filter(may_be, package.wheels)
        fitting = [(rank, file) for file in wheels for rank in _rank(file, ranks)]
        if fitting:
            _, best = min(fitting, key=lambda pair: (pair[0], pair[1].name))
            return Choice(package, best, "wheel")
    if package.sdist is not None and may_be(package.sdist):
        return Choice(package, package.sdist, "sdist")
    if not all(map(may_be, filter(None, (*package.wheels, package.sdist)))):
        raise ResolveError(
            f"{package.name} {package.version}: no file that may be used with Python {python} and "
            f"glibc {glibc} has one of the {len(hashes)} hashes that are pinned",
            hint="add the hash of one that fits, or take the hashes out",
        )
    raise ResolveError(
        f"{package.name} {package.version} has no source distribution, "
        f"and no wheel that may be used with Python {python} and glibc {glibc}",
        hint="ask for another version, or take its name out of no-binary",
    )


def needs(text: str) -> dict[str, set[str]]:
    """Who needs whom: `dependencies[name]` from the "# via" notes of uv's one-line style."""
    needed: dict[str, set[str]] = {}
    for line in text.splitlines():
        pin, _, note = line.partition("# via ")
        name = normalise(re.split(r"[\[=@ ]", pin, maxsplit=1)[0])
        for user in note.split(","):
            if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", user.strip()):
                needed.setdefault(normalise(user.strip()), set()).add(name)
    return needed


def _package(entry: Mapping[str, Any]) -> Package:
    name, version = str(entry["name"]), str(entry.get("version", ""))
    archive = entry.get("archive", {})
    if "url" in archive and version and "subdirectory" not in archive:
        file = _file(archive)
        wheel = file.name.endswith(".whl")
        return Package(
            normalise(name), version, (file,) if wheel else (), None if wheel else file, direct=True
        )
    elsewhere = {"vcs", "directory", "archive"} & set(entry)
    if elsewhere or not version:
        raise ResolveError(
            f"{name} is asked for by {' '.join(sorted(elsewhere)) or 'an unknown way'}, "
            "and only what a package index or an https URL offers can be locked",
            hint=f"ask for {name} by name and version, or by the URL of its wheel or sdist",
        )
    sdist = entry.get("sdist")
    return Package(
        normalise(name),
        version,
        tuple(_file(wheel) for wheel in entry.get("wheels", [])),
        None if sdist is None else _file(sdist),
    )


def _file(entry: Mapping[str, Any]) -> File:
    place = str(entry.get("url") or entry.get("path") or "")
    url = place if "://" in place else "file://" + place
    return File(
        str(entry.get("name") or file_name(url)),
        url,
        int(entry.get("size", 0)),
        str(entry.get("hashes", {}).get("sha256", "")),
    )


def _rank(file: File, ranks: Mapping[Tag, int]) -> Iterator[tuple[int, int]]:
    """Smaller is better: the tag's place, then the higher build number."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        _, _, build, tags = parse_wheel_filename(file.name)
    except InvalidWheelFilename:
        return
    fitting = [ranks[tag] for tag in tags if tag in ranks]
    if fitting:
        yield min(fitting), -(build[0] if build else 0)


@lru_cache(maxsize=4)
def _ranks(python: str, glibc: str) -> dict[Tag, int]:
    from packaging.tags import compatible_tags, cpython_tags

    version = tuple(int(part) for part in python.split(".")[:2])
    interpreter = "cp" + "".join(map(str, version))
    platforms = _platforms(int(glibc.split(".")[1]))
    tags = [
        *cpython_tags(version, [interpreter], platforms),
        *compatible_tags(version, interpreter, platforms),
    ]
    return {tag: place for place, tag in reversed(list(enumerate(tags)))}


def _platforms(minor: int) -> list[str]:
    names = []
    for each in range(minor, _OLDEST - 1, -1):
        names.append(f"manylinux_2_{each}_x86_64")
        if each in _OLD_NAMES:
            names.append(f"{_OLD_NAMES[each]}_x86_64")
    return [*names, "linux_x86_64"]

"""What a requirements file names by a URL: which distribution it is, or why it can't be locked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urldefrag, urlsplit

from nixrepro.names import SHA256, URL
from nixrepro.urls import file_name, is_remote, public

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from pip_requirements_parser import InstallRequirement

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_SOURCES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")


def is_local(url: str) -> bool:
    """Whether it is a path of this machine."""
    return "://" not in url or urlsplit(url).scheme == "file"


def shown(text: str) -> str:
    """The text with no user name or password in its URLs."""
    return _ADDRESS.sub(lambda found: public(found[0]), text)


def read(line: InstallRequirement, said: str) -> tuple[Requirement, tuple[str, ...]] | str:
    """The requirement that a line's URL makes, and the hashes in it; else why it can't be locked.

    Args:
        line: what the parser made of it.
        said: the line itself.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    url, fragment = urldefrag(str(line.link.url))
    told = parse_qs(fragment)
    if not is_remote(url):
        return _why(url)
    if public(url) != url:
        return "its URL holds a user name, which no lock may: ask for it by name, from an index"
    if "subdirectory" in told:
        return "it is in a folder of its archive, and only a whole sdist can be built"
    if not URL.fullmatch(url):
        return "its URL holds a character that none can"
    named = tuple(told.get("sha256", ()))
    if not all(SHA256.fullmatch(each) for each in named):
        return "the sha256 in its URL is none"
    name = line.name or told.get("egg", [""])[0] or _name(url)
    marker = f" ; {line.marker}" if line.marker else ""
    extras = f"[{','.join(sorted(line.extras))}]" if line.extras else ""
    try:
        return Requirement(f"{name}{extras} @ {url}{marker}"), named
    except InvalidRequirement:
        return "its URL does not say which distribution it is: write it as NAME @ URL"


def _why(url: str) -> str:
    """Why what is not to be had by http can't be locked."""
    scheme = urlsplit(url).scheme
    if scheme.split("+")[0] in ("git", "hg", "svn", "bzr"):
        return (
            "a repository has no one file whose hash a lock could hold: give the URL of an sdist "
            "or wheel made from it, or add it to the project as a submodule and write -e ./FOLDER"
        )
    return f"{scheme} is no way by which files are fetched: give an https URL"


def _name(url: str) -> str:
    """The distribution that a file's name tells of, "" where it tells of none."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    file = file_name(url)
    try:
        if file.endswith(".whl"):
            return str(parse_wheel_filename(file)[0])
        return str(parse_sdist_filename(file)[0]) if file.endswith(_SOURCES) else ""
    except (InvalidSdistFilename, InvalidWheelFilename):
        return ""

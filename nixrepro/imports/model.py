"""What a file of another tool asks for and pins, as frozen values."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from nixrepro.errors import ImportFileError

# The formats that pin what the project's own requirements need; the others are themselves wanted.
LOCKS = ("pylock.toml", "uv.lock", "poetry.lock", "Pipfile.lock")
_LARGEST = 64 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Pin:
    """One exact version that a file fixes, of what is wanted or of what others need.

    Args:
        name: normalised.
        version: as the file spells it; "" where only a `url` is known.
        marker: PEP 508 marker under which it holds, "" for always.
        hashes: SHA-256 digests in hex, sorted; empty where the file has none.
        url: of the file itself, without credentials, where no index is asked for it.
        line: where it stands, 0 where that is not known.
    """

    name: str
    version: str
    marker: str = ""
    hashes: tuple[str, ...] = ()
    url: str = ""
    line: int = 0


@dataclass(frozen=True)
class Left:
    """Something that was not imported, and why.

    A `wanted` one is missing from the environment: `nixrepro lock` refuses a file that has one.
    """

    line: int
    text: str
    reason: str
    wanted: bool = False
    file: str = ""


@dataclass(frozen=True)
class Imported:
    """All that was read from one file, and from those that it includes.

    Args:
        file: the name that messages call it by.
        format: "requirements.txt", "poetry.lock", "Pipfile.lock", "uv.lock", "pylock.toml",
            "environment.yml" or "Dockerfile".
        requirements: PEP 508 lines wanted, in file order; by URL as "name @ url".
        pins: exact versions.
        constraints: PEP 508 lines that limit versions and ask for nothing.
        python: a version such as "3.9" or a specifier, "" where the file doesn't say.
        packages: Debian packages wanted.
        suite: the base that fits, "" where the file doesn't say.
        no_binary: normalised names to build from source; ":all:" for all.
        folders: what to import the code of local packages from, relative to the project.
        local: the names of these local packages, for which no index may be asked.
        files: the other files that were read, relative to the project.
        left: what was not imported.
        variables: names and values to set for a run.
        command: what a container of it starts with.
        source: the one requirements file that a Dockerfile installs, relative to its folder; what
            that says is not among `requirements`.
    """

    file: str
    format: str
    requirements: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""
    packages: tuple[str, ...] = ()
    suite: str = ""
    no_binary: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()
    source: str = ""
    local: tuple[str, ...] = ()


def fail(file: str, line: int, reason: str, hint: str = "") -> NoReturn:
    """Refuse a file: its name, the line (0 where none can be said) and the reason.

    Raises:
        ImportFileError: always.
    """
    raise ImportFileError(f"{file}:{line}: {reason}" if line else f"{file}: {reason}", hint=hint)


def text_of(path: Path, file: str) -> str:
    """The text of a file, at most 64 MiB, in UTF-8 or, as PowerShell writes it, UTF-16.

    Raises:
        ImportFileError: it is missing, unreadable, too large or neither.
    """
    try:
        if path.stat().st_size > _LARGEST:
            fail(file, 0, "is too large to be what its name says")
        data = path.read_bytes()
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except FileNotFoundError:
        fail(file, 0, "there is no such file")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        fail(file, line, "is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        fail(file, 0, f"can't be read: {error.strerror}")


def joined(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """The pins in one order, those that say the same made one with the hashes of all."""
    found: dict[tuple[str, str, str, str], Pin] = {}
    for pin in pins:
        key = (pin.name, pin.version, pin.marker, pin.url)
        first = found.get(key, pin)
        hashes = tuple(sorted({*first.hashes, *pin.hashes}))
        found[key] = Pin(*key[:3], hashes, pin.url, first.line)
    return tuple(found[key] for key in sorted(found))

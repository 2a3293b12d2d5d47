"""Reads what artefacts state from their files: a package's control file, a wheel's METADATA."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from email.parser import HeaderParser
from functools import cache
from pathlib import Path

from nixrepro.errors import FetchError
from nixrepro.lock import Artefact
from nixrepro.mixing.stated import Stated, of_control, of_metadata, own


def reader(
    place: Callable[[Artefact], Path], pythons: tuple[str, ...]
) -> Callable[[Artefact], Stated]:
    """What states of an artefact's file what it needs; each file is read once.

    Args:
        place: where the file of an artefact is.
        pythons: the versions of Python of both locks.

    Raises (what is returned):
        FetchError: the file is not there, or is not what its name says.
    """

    @cache
    def read(artefact: Artefact) -> Stated:
        if artefact.kind not in ("deb", "wheel"):
            return own(artefact)  # a source states nothing for sure before it is built
        path = place(artefact)
        if not os.path.exists(path):
            hint = "run `nixrepro fetch` with the lock that names it"
            raise FetchError(f"{artefact.file} is not in the store", hint=hint)
        try:
            return (
                _deb(artefact, path) if artefact.kind == "deb" else _wheel(artefact, path, pythons)
            )
        except Exception as error:  # whatever the readers of two formats meet
            raise FetchError(
                f"{artefact.file} can't be read: {type(error).__name__}: {error}",
                hint="`nixrepro verify` says whether the store is damaged",
            ) from error

    return read


def _deb(artefact: Artefact, path: Path) -> Stated:
    from debian.debfile import DebFile

    with DebFile(str(path)) as file:
        return of_control(artefact, dict(file.debcontrol()))


def _wheel(artefact: Artefact, path: Path, pythons: tuple[str, ...]) -> Stated:
    with zipfile.ZipFile(path) as archive:
        (name,) = (n for n in archive.namelist() if _is_metadata(n))
        text = archive.read(name).decode("utf-8", "replace")
    fields = HeaderParser().parsestr(text)
    required = [str(line) for line in fields.get_all("Requires-Dist", [])]
    return of_metadata(artefact, required, str(fields.get("Requires-Python", "")), pythons)


def _is_metadata(name: str) -> bool:
    folder, _, file = name.partition("/")
    return file == "METADATA" and folder.endswith(".dist-info")

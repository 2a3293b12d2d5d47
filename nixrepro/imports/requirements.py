"""Reads requirements.txt, as pip reads it: what it includes, pins, hashes, URLs and options."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.imports import links, local, pip_lines
from nixrepro.imports import options as options_
from nixrepro.imports.model import Imported, Left, Pin, fail, joined, text_of
from nixrepro.names import normalise

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from pip_requirements_parser import InstallRequirement

FORMAT = "requirements.txt"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def read(
    path: Path, file: str, *, root: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Imported:
    """Read a requirements file and those that it names by -r and -c.

    Args:
        path: where it is.
        file: the name that messages call it by.
        root: the project's folder; by default what `file` is relative to.
        environ: the values of ${NAME}.

    Raises:
        ImportFileError: it is missing, or a line is malformed.
    """
    reading = _Reading(root or root_of(path, file), environ)
    reading.take(path, file, only_limits=False, above=())
    return Imported(
        file=file,
        format=FORMAT,
        requirements=tuple(dict.fromkeys(reading.elsewhere())),
        pins=joined(reading.pins),
        constraints=tuple(dict.fromkeys(reading.constraints)),
        no_binary=tuple(sorted(reading.no_binary)),
        folders=tuple(dict.fromkeys(reading.folders)),
        files=tuple(name for name in dict.fromkeys(reading.files) if name != file),
        local=tuple(sorted(reading.here - {""})),
        left=tuple(reading.left),
    )


def root_of(path: Path, file: str) -> Path:
    """The folder that a file's name is relative to."""
    parts = Path(file).parts
    if not Path(file).is_absolute() and path.absolute().parts[-len(parts) :] == parts:
        return path.absolute().parents[len(parts) - 1]
    return path.absolute().parent


@dataclass
class _Reading:
    """What was found so far."""

    root: Path
    environ: Mapping[str, str]
    requirements: list[str] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    no_binary: set[str] = field(default_factory=set)
    folders: list[str] = field(default_factory=list)
    here: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def take(self, path: Path, file: str, *, only_limits: bool, above: tuple[Path, ...]) -> None:
        """Read one file; of a constraints file only what limits versions."""
        self.files.append(file)
        text, left = pip_lines.prepared(text_of(path, file), file, self.environ)
        self.left += left
        for line in pip_lines.parsed(text, file):
            place = _Place(file, int(line.line_number), path, (*above, path.resolve()))
            if hasattr(line, "options"):
                self._option(line.options, place)
            else:
                self._requirement(line, place, only_limits)

    def elsewhere(self) -> Iterator[str]:
        """The requirements but for packages that the project itself has: an index has others."""
        for line in self.requirements:
            name = _NAME.match(line)
            if not (name and normalise(name[0]) in self.here):
                yield line

    def _option(self, options: Mapping[str, object], place: _Place) -> None:
        for name, value in options.items():
            values = value if isinstance(value, list) else [value]
            if name in ("requirements", "constraints"):
                for each in values:
                    self._include(str(each), place, only_limits=name == "constraints")
            elif name == "no_binary":
                options_.build(self.no_binary, values)
            elif left := options_.unused(name, values, place.line, place.file):
                self.left.append(left)

    def _include(self, name: str, place: _Place, *, only_limits: bool) -> None:
        what = "-c" if only_limits else "-r"
        if "://" in name and not name.startswith("file:"):
            reason = "it is on a network, where it can change: keep a copy in the project"
            said = f"{what} {links.shown(name)}"
            self.left.append(Left(place.line, said, reason, True, place.file))
            return
        path = place.path.parent / name
        if path.resolve() in place.above:
            fail(place.file, place.line, f"{what} {name} includes itself")
        if not path.is_file():
            fail(place.file, place.line, f"{what} {name}: there is no such file")
        relative = Path(os.path.relpath(path, self.root)).as_posix()
        self.take(path, relative, only_limits=only_limits, above=place.above)

    def _requirement(self, line: InstallRequirement, place: _Place, only_limits: bool) -> None:
        said = str(line.requirement_line.line)
        pip_lines.refuse_unset(said, place.file, place.line)
        if line.global_options or line.install_options:
            self.left.append(Left(place.line, _start(said), pip_lines.BUILT, file=place.file))
        hashes = options_.hashes(line.hash_options, place.line, place.file)
        if line.link is not None and links.is_local(str(line.link.url)):
            if not only_limits:
                self._local(line, place)
            return
        if line.link is not None:
            found = links.read(line, said)
            if isinstance(found, str):
                text = _start(links.shown(said))
                self.left.append(Left(place.line, text, found, True, place.file))
                return
            requirement, named = found
            hashes = tuple(sorted({*hashes, *named}))
        else:
            requirement = copy(line.req)
            requirement.marker = line.marker
        self._add(requirement, hashes, place, only_limits)

    def _add(
        self, requirement: Requirement, hashes: tuple[str, ...], place: _Place, only_limits: bool
    ) -> None:
        name, marker = normalise(requirement.name), str(requirement.marker or "")
        url, version = requirement.url or "", _exact(requirement)
        if hashes and not (url or version):
            reason = f"{requirement.name} has hashes, and no version to which they can belong"
            fail(place.file, place.line, reason, "pin it by ==")
        if url or version:
            self.pins.append(Pin(name, version, marker, hashes, url, place.line))
        if not only_limits:
            self.requirements.append(str(requirement))
        elif not (url or version):
            requirement.extras = set()
            self.constraints.append(str(requirement))

    def _local(self, line: InstallRequirement, place: _Place) -> None:
        """Take what a package of this machine needs; its code is found where it is."""
        url = str(line.link.url)
        found = local.read(self.root, place.path.parent, url, sorted(line.extras))
        if isinstance(found, str):
            said = f"{'-e ' if line.is_editable else ''}{url}"
            if line.name and url.startswith("file:") and not line.is_editable:
                said = f"{line.name} @ {url}"
                found += f"; write {line.name}==VERSION, as `pip list --format=freeze` has it"
            self.left.append(Left(place.line, said, found, True, place.file))
            return
        self.requirements += found.requirements
        self.here.add(found.name)
        self.files += found.files
        self.folders.append(found.code)


@dataclass(frozen=True)
class _Place:
    """Where a line stands: the file by its name, its number, its path and those that include it."""

    file: str
    line: int
    path: Path
    above: tuple[Path, ...]


def _exact(requirement: Requirement) -> str:
    """The version that a requirement pins, "" where it leaves a choice."""
    for one in requirement.specifier:
        if one.operator == "==" and not one.version.endswith(".*"):
            return one.version
    return ""


def _start(text: str) -> str:
    """The beginning of a line, without its hashes."""
    return text.split(" --", 1)[0].strip()[:100]

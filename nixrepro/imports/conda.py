"""Reads conda's environment.yml: what has a wheel, what Debian has, and what is left."""

from __future__ import annotations

import re
import shlex
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from nixrepro import names
from nixrepro.imports import bases, conda_names, nodes, variables, wanted
from nixrepro.imports.model import Imported, Left, Pin, fail, joined, text_of

FORMAT = "environment.yml"
_SPEC = re.compile(
    r"(?:[^\s\[]+::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*"
    r"(?:\[(?P<options>[^\]]*)\])?\s*(?P<rest>.*)"
)
_INCLUDE = re.compile(r"^(-r|-c|--requirement|--constraint)[ =]*(?=[^\s/])")
_VERSION = re.compile(r"version\s*=\s*['\"]?([^'\"]*)")
# A version of which the end is open, and the build that is wanted of it.
_BUILD = re.compile(r"(?P<version>={0,2}\s*[^\s=<>!~,|]*\*)(?:=|\s+)\S+")
_NEEDLESS = re.compile(r"((?:>=|<=|>|<)\s*[^\s,|]+?)\.?\*")
_EXACT = re.compile(r"(?:==?|)\s*([0-9][^\s=<>!~,|*]*)(?:=|\s+)\S+|==\s*([0-9][^\s=<>!~,|*]*)")


def read(path: Path, file: str) -> Imported:
    """Read an environment.yml.

    Raises:
        ImportFileError: it is malformed; with file, line and reason. Or PyYAML is not installed.
    """
    return parse(text_of(path, file), file, path.parent)


def parse(text: str, file: str, folder: Path) -> Imported:
    """The same of a text; `folder` is where the files are that its pip part includes."""
    document = nodes.mapping(nodes.compose(text, file), file, "the file")
    found = Found(file)
    dependencies = document.get("dependencies")
    if dependencies is None:
        fail(file, 1, "has no `dependencies`, so it is no environment of conda")
    pip: list[tuple[int, str]] = []
    for node in nodes.sequence(dependencies, file, "dependencies"):
        if nodes.is_scalar(node):
            found.package(node.value, nodes.line(node))
            continue
        for key, inner in nodes.mapping(node, file, "what stands in dependencies").items():
            if key == "pip":
                lines = nodes.sequence(inner, file, key)
                pip += [(nodes.line(each), nodes.scalar(each, file)) for each in lines]
            else:
                found.left.append(Left(nodes.line(inner), key, "is of a kind not known here"))
    if "variables" in document:
        for name, node in nodes.mapping(document["variables"], file, "variables").items():
            found.variable(name, nodes.scalar(node, file), nodes.line(node))
    return found.imported(_pip(pip, file, folder))


def _pip(lines: list[tuple[int, str]], file: str, folder: Path) -> Imported:
    """The pip part, which is written as a requirements.txt is: each line in its old place."""
    from nixrepro.imports import requirements

    blank = [""] * max((line for line, _ in lines), default=0)
    beside = shlex.quote(f"{folder.absolute()}/")
    for line, text in lines:
        # What is included is looked for beside the environment.yml.
        blank[line - 1] = _INCLUDE.sub(lambda found: f"{found[1]} {beside}", text)
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as place:
        copy = Path(place) / "pip.txt"
        copy.write_text("\n".join(blank), encoding="utf-8")
        return requirements.read(copy, file, root=folder)


@dataclass
class Found:
    """What was read so far."""

    file: str
    requirements: list[str] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    variables: list[tuple[str, str]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    python: str = ""
    suite: str = ""

    def package(self, text: str, line: int) -> None:
        """One of conda's own specifications, such as `conda-forge::numpy=1.21.2=py39_0`."""
        found = _SPEC.fullmatch(text.strip())
        if found is None:
            fail(self.file, line, f"is no package of conda: {text!r}")
        options = _VERSION.search(found["options"] or "")
        rest = (options[1] if options else found["rest"]).strip()
        name = found["name"]
        if name == "python":
            self._python(text, rest, line)
        elif deb := conda_names.debian(name):
            self.packages.append(deb)
        elif reason := conda_names.no_wheel(name):
            self.left.append(Left(line, text, reason))
        else:
            self._wheel(conda_names.wheel(name), text, rest, line)

    def variable(self, name: str, value: str, line: int) -> None:
        """One that conda sets when the environment is entered."""
        if reason := variables.reason(name, value):
            self.left.append(Left(line, name, reason))
        else:
            self.variables.append((name, value))

    def imported(self, pip: Imported) -> Imported:
        """All of it, with what the pip part says."""
        return Imported(
            file=self.file,
            format=FORMAT,
            requirements=tuple(dict.fromkeys((*self.requirements, *pip.requirements))),
            pins=joined((*self.pins, *pip.pins)),
            constraints=pip.constraints,
            python=self.python,
            packages=tuple(dict.fromkeys(self.packages)),
            suite=self.suite,
            no_binary=pip.no_binary,
            folders=pip.folders,
            files=pip.files,
            left=(*self.left, *pip.left),
            variables=tuple(self.variables),
            local=pip.local,
        )

    def _python(self, text: str, rest: str, line: int) -> None:
        self.python = bases.minor(rest)
        if not self.python:
            self.python = rest if re.fullmatch(r"[<>=!~0-9., *]+", rest) else ""
            return
        self.suite, reason = bases.of_python(self.python)
        exact = re.match(r"[=\s]*(\d+\.\d+\.\d+)", rest)
        if not reason and exact:
            reason = f"Python {self.python} is that of {self.suite}, of the patch release it has"
        if reason:
            self.left.append(Left(line, text, reason))

    def _wheel(self, name: str, text: str, rest: str, line: int) -> None:
        if not names.WHEEL.fullmatch(name):
            self.left.append(Left(line, text, "can't be the name of a wheel", wanted=True))
            return
        try:
            asked, exact = _specifier(rest, name in conda_names.FINER)
        except wanted.Unsaid as error:
            self.left.append(Left(line, text, str(error)))
            asked, exact = "", ""
        except ValueError as error:
            self.left.append(Left(line, text, str(error), wanted=True))
            return
        self.packages += conda_names.NEEDS.get(name, ())
        self.requirements.append(wanted.line(name, specifier=asked))
        if exact:
            self.pins.append(Pin(name, exact, line=line))


def _specifier(rest: str, finer: bool) -> tuple[str, str]:
    """What follows a name, as PEP 440 says it, and the exact version that it names or "".

    Raises:
        wanted.Unsaid: it is one range or another.
        ValueError: no wheel can have such a version.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if built := _BUILD.fullmatch(rest):
        rest = built["version"]
    exact = _EXACT.fullmatch(rest)
    if exact:
        version = exact[1] or exact[2]
        found = f"=={version}.*" if finer else f"=={version}"
        pinned = "" if finer else version
    elif re.fullmatch(r"=?\s*[0-9][^\s=<>!~,|]*", rest):
        # conda's single "=" leaves open what follows.
        found, pinned = f"=={rest.lstrip('= ').removesuffix('.*').removesuffix('*')}.*", ""
    else:
        # conda takes ">=1.20.*" for ">=1.20".
        found, pinned = wanted.specifier(_NEEDLESS.sub(r"\1", rest.lstrip("="))), ""
    try:
        SpecifierSet(found)
    except InvalidSpecifier:
        raise ValueError(f"no wheel can have the version {rest!r}") from None
    return found, pinned

"""What the commands of a Dockerfile install: Debian packages, wheels, and what is left."""

from __future__ import annotations

import re
import shlex
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from nixrepro import names
from nixrepro.imports.model import Imported, Left, Pin

_HARMLESS = frozenset(
    (
        "rm", "mkdir", "echo", "set", "cd", "true", ":", "useradd", "groupadd", "adduser",
        "addgroup", "chown", "chmod", "ldconfig", "touch", "test", "[", "export", "sync", "ls",
        "which", "exit", "fi", "done", "apt-key", "update-ca-certificates", "printf", "hash",
    )
)  # fmt: skip
_OTHERS = {"poetry": "poetry.lock", "pipenv": "Pipfile.lock", "uv": "uv.lock"}
_CONDA = ("conda", "mamba", "micromamba")
# Options of `apt-get` and of `pip install` after which a word of their own follows.
_APT_VALUES = ("-t", "--target-release", "-o", "--option", "-c", "--config-file", "-a")
_PIP_VALUES = frozenset(
    (
        "-t", "--target", "--prefix", "--root", "--cache-dir", "--timeout", "--retries", "--proxy",
        "--progress-bar", "--python-version", "--platform", "--abi", "--implementation", "--log",
        "--upgrade-strategy", "--src", "--report", "--exists-action", "--python", "-p",
        "--global-option", "--install-option", "--config-settings", "--cert", "--client-cert",
    )
)  # fmt: skip
_PIP_LINES = {
    "-r": "-r", "--requirement": "-r", "-c": "-c", "--constraint": "-c", "-e": "-e",
    "--editable": "-e", "-i": "--index-url", "--index-url": "--index-url", "-f": "--find-links",
    "--extra-index-url": "--extra-index-url", "--find-links": "--find-links",
    "--no-binary": "--no-binary", "--only-binary": "--only-binary",
    "--trusted-host": "--trusted-host",
}  # fmt: skip
# `-rFILE` and `-Ur FILE`: short options of which the last has a value.
_JOINED = re.compile(r"-[UqvI]*([rce])(\S*)")
_TOOLS = frozenset(("pip", "setuptools", "wheel", "uv", "poetry", "pipenv"))
_OWN = re.compile(
    r"python3?(-(pip|venv|setuptools|wheel|distutils|minimal|full))?|python-is-python3"
)
_PYTHON = re.compile(r"python(3\.\d+)(-(dev|venv|distutils|minimal))?")


@dataclass
class Installed:
    """What was found so far; `folder` is that of the Dockerfile."""

    folder: Path
    file: str
    packages: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    no_binary: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    sources: list[tuple[int, str]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    python: str = ""

    def command(self, words: list[str], line: int, *, wheels_only: bool = False) -> None:
        """Take one command's words; of a stage whose files are copied, only its wheels."""
        said = " ".join(words)[:100]
        words = words[: words.index("|")] if "|" in words[1:] else words
        name, rest = PurePosixPath(words[0]).name, words[1:]
        if re.fullmatch(r"python[\d.]*", name) and rest[:2] == ["-m", "pip"]:
            name, rest = "pip", rest[2:]
        elif name == "uv" and rest[:1] == ["pip"]:
            name, rest = "pip", rest[1:]
        if name in ("apt-get", "apt", "aptitude"):
            if not wheels_only:
                self._apt(rest, line)
        elif re.fullmatch(r"pip[\d.]*", name):
            self._pip(rest, line)
        elif name in _CONDA:
            self._conda(rest, line, said)
        elif name in _OTHERS and rest[:1] and rest[0] in ("install", "sync"):
            reason = f"`nixrepro import {_OTHERS[name]}` imports what it installs"
            self.left.append(Left(line, said, reason, wanted=True))
        elif name not in _HARMLESS and name not in _OTHERS and not wheels_only:
            self.left.append(Left(line, said, "is a command that is not run for an environment"))

    def _apt(self, words: list[str], line: int) -> None:
        named = _named(words, _APT_VALUES)
        if named[:1] != ["install"]:
            return
        for word in named[1:]:
            name = re.split(r"[=/:]", word, maxsplit=1)[0]
            versioned = _PYTHON.fullmatch(name)
            if "$" in word or not names.DEB.fullmatch(name):
                self.left.append(Left(line, word, "is not a Debian package's name"))
            elif versioned:
                self.python = versioned[1]
            elif not _OWN.fullmatch(name):
                self.packages.append(name)
                if "=" in word:
                    reason = "the lock pins the version that the suite has"
                    self.left.append(Left(line, word, reason))

    def _pip(self, words: list[str], line: int) -> None:
        if words[:1] != ["install"]:
            return
        lines: list[str] = []
        rest = iter(words[1:])
        for word in rest:
            option, equals, value = word.partition("=")
            if option in _PIP_LINES:
                self._option(_PIP_LINES[option], value if equals else next(rest, ""), line, lines)
            elif joined := _JOINED.fullmatch(word):
                self._option(f"-{joined[1]}", joined[2] or next(rest, ""), line, lines)
            elif word in _PIP_VALUES:
                next(rest, "")
            elif word == "--pre":
                lines.append(word)
            elif "$" in word:
                reason = "holds a variable that the file does not set"
                self.left.append(Left(line, word, reason, wanted=True))
            elif not word.startswith("-") and word.lower() not in _TOOLS:
                lines.append(word)
        self._lines(lines, line)

    def _option(self, option: str, value: str, line: int, lines: list[str]) -> None:
        if option not in ("-r", "-c"):
            lines.append(f"{option} {value}")
            return
        path = self._beside(value)
        if path is None:
            reason = "is not there where the Dockerfile is"
            self.left.append(Left(line, f"{option} {value}", reason, wanted=option == "-r"))
        elif option == "-r":
            self.sources.append((line, path))
        else:
            lines.append(f"-c {shlex.quote(str((self.folder / path).absolute()))}")

    def _beside(self, name: str) -> str | None:
        """The file of the Dockerfile's folder that is meant: by its path, else by its name."""
        path = PurePosixPath(name)
        for known in (path.as_posix().lstrip("/"), *_tails(path)):
            if names.is_inside(known) and (self.folder / known).is_file():
                return known
        return None

    def _lines(self, lines: list[str], line: int) -> None:
        """Read what a `pip install` names as the lines of a requirements file."""
        from nixrepro.imports import requirements

        if not lines:
            return
        with tempfile.TemporaryDirectory(prefix="nixrepro-") as place:
            copy = Path(place) / "pip.txt"
            for each in lines:  # it is said to stand where the instruction does
                copy.write_text("\n" * (line - 1) + f"{each}\n", encoding="utf-8")
                self.add(requirements.read(copy, self.file, root=self.folder))

    def add(self, found: Imported) -> None:
        """Take what a file or a line of pip's asks for."""
        self.requirements += found.requirements
        self.pins += found.pins
        self.constraints += found.constraints
        self.no_binary += found.no_binary
        self.folders += found.folders
        self.left += found.left

    def _conda(self, words: list[str], line: int, said: str) -> None:
        from nixrepro.imports import conda

        if words[:1] == ["env"]:
            reason = "`nixrepro import environment.yml` imports what it installs"
            self.left.append(Left(line, said, reason, wanted=True))
        elif words[:1] in (["install"], ["create"]):
            found = conda.Found(self.file)
            values = ("-c", "--channel", "-n", "--name", "-p", "--prefix")
            for word in _named(words, values)[1:]:
                found.package(word, line)
            self.packages += found.packages
            self.python = found.python or self.python
            everything = found.imported(Imported(self.file, conda.FORMAT))
            self.add(replace(everything, packages=()))


def _named(words: list[str], valued: tuple[str, ...]) -> list[str]:
    """The words that are no options, and no values of these options."""
    found = []
    rest = iter(words)
    for word in rest:
        if word in valued:
            next(rest, "")
        elif not word.startswith("-"):
            found.append(word)
    return found


def _tails(path: PurePosixPath) -> list[str]:
    """`/tmp/app/a.txt` as `app/a.txt` and `a.txt`: where it was copied to says little."""
    parts = path.parts[1:] if path.is_absolute() else path.parts
    return ["/".join(parts[at:]) for at in range(1, len(parts))]

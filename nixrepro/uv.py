"""Asks uv; the only module that spells its command line."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from nixrepro import process
from nixrepro.errors import ConfigError, FetchError, ResolveError

# They would change the answer for one person only, and no lock would say so.
_DROPPED = (
    "UV_PYTHON",
    "UV_RESOLUTION",
    "UV_PRERELEASE",
    "UV_EXCLUDE_NEWER",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_BUILD_CONSTRAINT",
    "UV_CUSTOM_COMPILE_COMMAND",
    "UV_TORCH_BACKEND",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
)
_UNREACHED = re.compile(r"Failed to fetch|error sending request|tcp connect error|Hash mismatch")
_PLATFORM = re.compile(r"\bx86_64-manylinux_2_(\d+)\b")


@dataclass(frozen=True)
class Target:
    """Where the distributions shall run, and the last day (UTC) whose files are taken."""

    python: str
    platform: str
    as_of: date | None = None

    @classmethod
    def of(cls, uv: Uv, python: str, glibc: str, as_of: date | None) -> Target:
        """Linux on x86-64 with that Python and, as near as uv knows one, that glibc.

        Raises:
            ResolveError: the glibc is older than any that uv knows.
        """
        minor = int(glibc.split(".")[1])
        fitting = [known for known in uv.platforms() if known <= minor]
        if not fitting:
            raise ResolveError(f"uv knows no platform with a glibc as old as {glibc}")
        return cls(python, f"x86_64-manylinux_2_{fitting[-1]}", as_of)

    def arguments(self) -> tuple[str, ...]:
        """How uv is told."""
        told = ("--python-version", self.python, "--python-platform", self.platform)
        if self.as_of is None:
            return told
        # A bare date would mean another moment in each timezone.
        return (*told, "--exclude-newer", f"{self.as_of + timedelta(days=1)}T00:00:00Z")


@dataclass(frozen=True)
class Answer:
    """A resolution: the files as pylock.toml, and the pins with "# via" notes."""

    pylock: str
    notes: str


class Uv:
    """The uv that was installed with this tool.

    Args:
        root: folder whose uv configuration holds.
        arguments: said to each call, such as which indexes to use.
        cert: file of CA certificates, or "".
        runner: starts programs.
    """

    def __init__(
        self,
        root: Path,
        arguments: Sequence[str] = (),
        *,
        cert: str = "",
        runner: process.Runner = process.run,
    ) -> None:
        self._root = root
        self._arguments = tuple(arguments)
        self._cert = cert
        self._runner = runner

    def platforms(self) -> list[int]:
        """Each N of the platforms x86_64-manylinux_2_N that this uv knows, ascending."""
        shown = self._run(["pip", "compile", "--help"]).stdout.decode(errors="replace")
        return sorted({int(minor) for minor in _PLATFORM.findall(shown)})

    def version(self) -> str:
        """Its version, as it says it.

        Raises:
            ConfigError: it is not there.
        """
        return self._run(["--version"]).stdout.decode(errors="replace").strip().removeprefix("uv ")

    def indexes(self, *arguments: str, environ: Mapping[str, str]) -> str:
        """uv's own list of its indexes, which it prints above the answer to no requirements.

        Raises:
            ConfigError: uv refuses its configuration.
        """
        told = ("--emit-index-url", "--emit-find-links", "--offline", *arguments)
        done = self._compile([], told, environ)
        if done.status:
            raise ConfigError(
                "uv can't read its configuration",
                hint="correct what it names",
                details=done.stderr.strip(),
            )
        return done.stdout.decode()

    def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        *,
        prefer: Mapping[str, str] | None = None,
        no_binary: Iterable[str] = (),
        limits: Iterable[str] = (),
        wheels_only: bool = False,
    ) -> Answer:
        """Choose versions.

        Args:
            requirements: PEP 508 lines.
            target: where they shall run.
            prefer: version of each normalised name to take as long as it fits.
            no_binary: names of which no wheel is taken; ":all:" for all.
            limits: PEP 508 lines that limit versions, and ask for nothing.
            wheels_only: take nothing that would have to be built.

        Raises:
            ResolveError: they can't be met; the details are uv's explanation.
            FetchError: an index can't be reached or read.
        """
        told = [*target.arguments()]
        for name in no_binary:
            told += ["--no-binary", name]
        if wheels_only:
            told += ["--only-binary", ":all:"]
        with tempfile.TemporaryDirectory(prefix="nixrepro-") as folder:
            answer = Path(folder) / "pylock.toml"
            within = Path(folder) / "limits.txt"
            within.write_text("".join(f"{line}\n" for line in limits), encoding="utf-8")
            told += ["--constraints", str(within)]
            chosen = [*told, "--format", "pylock.toml", "--output-file", str(answer)]
            if prefer:
                # uv keeps to the versions that it finds in the file it is to write.
                answer.write_text(_preferences(prefer), encoding="utf-8")
            try:
                self._resolve(requirements, chosen)
            except ResolveError:
                if not prefer:
                    raise
                # What was locked for another Python can hide from uv that there is an answer.
                answer.unlink()
                self._resolve(requirements, chosen)
            text = answer.read_text(encoding="utf-8")
            # Who needs whom is not in a pylock.toml: ask again, for these very versions.
            pins = Path(folder) / "constraints.txt"
            pins.write_text(_constraints(text), encoding="utf-8")
            notes = self._resolve(
                requirements,
                [*told, "--annotation-style", "line", "--constraints", str(pins)],
            )
        return Answer(text, notes)

    def _resolve(self, requirements: Sequence[str], told: Sequence[str]) -> str:
        done = self._compile(requirements, told, os.environ)
        if done.status == 0:
            return done.stdout.decode()
        said = done.stderr.strip()
        if _UNREACHED.search(said):
            raise FetchError(
                "uv could not get what it needs from the package indexes",
                hint="check the network, the proxy variables and pip's or uv's configuration",
                details=said,
            )
        raise ResolveError(
            "the Python requirements can't be met",
            hint="change what pyproject.toml asks for, or the base's suite",
            details=said,
        )

    def _compile(
        self, requirements: Sequence[str], told: Sequence[str], environ: Mapping[str, str]
    ) -> process.Completed:
        return self._run(
            [
                "pip",
                "compile",
                "-",
                "--quiet",
                "--no-header",
                "--python",
                sys.executable,
                *self._arguments,
                *told,
            ],
            environ,
            "".join(line + "\n" for line in requirements).encode(),
        )

    def _run(
        self, arguments: Sequence[str], environ: Mapping[str, str] = os.environ, stdin: bytes = b""
    ) -> process.Completed:
        variables = {key: value for key, value in environ.items() if key not in _DROPPED}
        variables |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}
        if self._cert:
            variables["SSL_CERT_FILE"] = self._cert
        return self._runner([_binary(), *arguments], cwd=self._root, env=variables, stdin=stdin)


@cache
def _binary() -> str:
    import uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise ConfigError(
            "uv, which resolves the wheels, is not where this tool was installed",
            hint="install nixrepro again",
        ) from error


def _preferences(pins: Mapping[str, str]) -> str:
    lines = ['lock-version = "1.0"', 'created-by = "nixrepro"']
    for name, version in sorted(pins.items()):
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{version}"']
    return "\n".join(lines) + "\n"


def _constraints(pylock: str) -> str:
    import tomli

    return "".join(
        f"{package['name']}=={package['version']}\n"
        for package in tomli.loads(pylock).get("packages", [])
        if "version" in package
    )

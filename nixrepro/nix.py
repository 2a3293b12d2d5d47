"""Spells every call of Nix, one function an operation; the only module that names its options."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nixrepro import git
from nixrepro.base32 import encode
from nixrepro.complaints import failed, not_added, tail, unusable
from nixrepro.errors import NixError
from nixrepro.process import Completed, Runner, run

OLDEST = (2, 8)
_STORE = "/nix/store"
_ELSEWHERE = "/nix/var/nix/profiles/default/bin"
# What `nix develop` leaves as the person has it, though the derivation says otherwise.
_PERSONS = re.compile(
    "BASHOPTS|HOME|NIX_BUILD_TOP|NIX_ENFORCE_PURITY|NIX_LOG_FD|NIX_REMOTE|PPID|SHELL|SHELLOPTS"
    "|SSL_CERT_FILE|TEMP|TEMPDIR|TERM|TMP|TMPDIR|TZ|UID"
)
# Nix 2.8 takes no other character in a path within a URL and undoes no quoting of it, later
# versions do.
_PLAIN = re.compile(r"[A-Za-z0-9/._~+=@,-]+")


def store_path(name: str, sha256: str) -> str:
    """Path of a downloaded file in the store, whether or not it is there.

    Args:
        name: its store name.
        sha256: its digest, 64 hex digits.

    Source: "Store Path Specification" of the Nix manual, flat fixed outputs.
    """
    inner = hashlib.sha256(f"fixed:out:sha256:{sha256}:".encode()).hexdigest()
    return _path("output:out", inner, name)


def _path(kind: str, inner: str, name: str) -> str:
    outer = hashlib.sha256(f"{kind}:sha256:{inner}:{_STORE}:{name}".encode()).digest()
    folded = bytearray(20)
    for place, byte in enumerate(outer):
        folded[place % 20] ^= byte
    return f"{_STORE}/{encode(bytes(folded))}-{name}"


@dataclass(frozen=True)
class Nix:
    """The Nix of this machine.

    Args:
        runner: how programs are started.
        variables: more variables for each call, such as NIX_REMOTE for another store.
    """

    runner: Runner = run
    variables: dict[str, str] = field(default_factory=dict)

    def version(self) -> tuple[int, ...]:
        """Its version.

        Raises:
            NixError: it is missing, or older than `OLDEST`.
        """
        done = self._call(["nix", "--version"])
        said = done.stdout.decode(errors="replace").strip()
        # The last one: a distribution of Nix may give its own before it.
        match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?[^\s.]*$", said)
        if done.status != 0 or not match:
            raise NixError(
                f"`nix --version` says {said!r}, which names no version",
                details=tail(done.stderr),
                hint="see that `nix` on your PATH is Nix, and whole",
            )
        found = tuple(int(part) for part in match.groups(default="0"))
        if found < OLDEST:
            raise NixError(
                f"Nix {'.'.join(map(str, found))} is too old",
                hint=f"install Nix {'.'.join(map(str, OLDEST))} or later",
            )
        return found

    def store_path(self, name: str, sha256: str) -> str:
        """Path of a downloaded file in the store: see `store_path`."""
        return store_path(name, sha256)

    def valid(self, paths: Sequence[str]) -> set[str]:
        """Those of the paths that are in the store, whole and registered.

        Raises:
            NixError: Nix is missing or its store can't be read.
        """
        if not paths:
            return set()
        argv = ["nix-store", "--check-validity", "--print-invalid"]
        done = self._call([*argv, *paths])
        if done.status != 0:
            raise unusable(done)
        return set(paths) - set(done.stdout.decode().split())

    def add_fixed(self, files: Sequence[Path]) -> list[str]:
        """Put files into the store, each under its base name; their store paths.

        Raises:
            FetchError: its disk is full; what was added stays, whole.
            NixError: it can't be written otherwise; the same.
        """
        done = self._call(["nix-store", "--add-fixed", "sha256", *map(str, files)])
        if done.status != 0:
            raise not_added(done)
        return done.stdout.decode().split()

    def folder_path(self, name: str, sha256: str) -> str:
        """Path of a folder in the store, whether or not it is there.

        Args:
            name: its store name.
            sha256: that of its archive as Nix makes it (NAR), 64 hex digits.
        """
        return _path("source", sha256, name)

    def add_folder(self, name: str, folder: Path) -> str:
        """Put a folder into the store; its store path.

        Raises:
            FetchError: its disk is full.
            NixError: it can't be written otherwise.
        """
        argv = ["nix", *self._options(), "store", "add-path", "--name", name, str(folder)]
        done = self._call(argv)
        if done.status != 0:
            raise not_added(done)
        return done.stdout.decode().strip()

    def delete(self, path: str) -> bool:
        """Take a path out of the store; False if something there needs it, and it stays.

        Raises:
            NixError: Nix is missing.
        """
        return self._call(["nix-store", "--delete", path]).status == 0

    def build(self, flake: Path, output: str) -> str:
        """Build an output of a flake without keeping it; its store path.

        Raises:
            BuildError: there is no such output, or it could not be evaluated or built.
        """
        argv = ["nix", *self._options(), "build", "--no-link", "--json"]
        argv.append(f"{self._reference(flake)}#{output}")
        done = self._call(argv, cwd=flake, show=False)
        if done.status != 0:
            raise failed(done)
        return str(json.loads(done.stdout)[0]["outputs"]["out"])

    def shell_variables(self, flake: Path, profile: Path) -> dict[str, str]:
        """Build the development shell; the variables that `nix develop` would set.

        Args:
            flake: the folder of the flake.
            profile: a link to make, which keeps all of it from the garbage collector.

        Raises:
            BuildError: something could not be evaluated or built.
        """
        argv = [
            "nix",
            *self._options(),
            "print-dev-env",
            "--json",
            "--profile",
            str(profile),
            f"{self._reference(flake)}#default",
        ]
        done = self._call(argv, cwd=flake, show=sys.stderr.isatty())
        if done.status != 0:
            raise failed(done)
        told: dict[str, Any] = json.loads(done.stdout)
        return {
            name: entry["value"]
            for name, entry in told["variables"].items()
            if entry["type"] == "exported" and not _PERSONS.fullmatch(name)
        }

    def add_root(self, link: Path, path: str) -> None:
        """Keep a store path from the garbage collector as long as a link stays.

        Raises:
            NixError: the path is not in the store, or the root can't be made.
        """
        argv = ["nix-store", "--realise", path, "--add-root", str(link), "--indirect"]
        done = self._call(argv)
        if done.status != 0:
            raise unusable(done)

    def closure_size(self, path: str) -> int:
        """Bytes of a store path with all that it reaches, as NAR.

        Raises:
            NixError: the path is not in the store.
        """
        done = self._call(["nix", *self._options(), "path-info", "--closure-size", path])
        if done.status != 0:
            raise unusable(done)
        return int(done.stdout.split()[-1])

    def joint_size(self, paths: Sequence[str]) -> int:
        """Bytes of store paths with all that they reach, each counted once, as NAR.

        Raises:
            NixError: one is not in the store.
        """
        argv = ["nix", *self._options(), "path-info", "--recursive", "--size", *paths]
        done = self._call(argv)
        if done.status != 0:
            raise unusable(done)
        return sum(int(line.split()[-1]) for line in done.stdout.splitlines())

    def by_git(self, flake: Path) -> bool:
        """Whether Nix reads a flake's folder by git: else it copies the folder as it is."""
        return self._place(flake) is not None

    def _place(self, flake: Path) -> git.Place | None:
        place = git.place(flake, self.runner)
        return place if place and _PLAIN.fullmatch(place.top) else None

    def _reference(self, flake: Path) -> str:
        """A flake's folder as Nix wants it: by git where it is in a work tree, else as it is.

        The latter is relative to the folder that Nix is started in, which may have any name.
        """
        place = self._place(flake)
        if place is None:
            return "path:."
        # Else Nix refuses a clone without its history, as CI makes them: it would count commits.
        asked = ["shallow=1"] if os.path.exists(f"{place.top}/.git/shallow") else []
        asked += [f"dir={quote(place.inside)}"] if place.inside else []
        return f"git+file://{place.top}" + (f"?{'&'.join(asked)}" if asked else "")

    def _options(self) -> list[str]:
        options = ["--extra-experimental-features", "nix-command flakes", "--offline"]
        options += ["--option", "warn-dirty", "false"]
        return options + self._building()

    def _building(self) -> list[str]:
        """How it builds; these `nix-store` takes too."""
        options = ["--max-jobs", "auto"]  # Nix builds one thing at a time by itself
        # A daemon lets nobody else say how it builds.
        if os.geteuid() == 0:
            options += ["--option", "sandbox", "true", "--option", "sandbox-fallback", "false"]
            # Without them, as with Debian's nix-bin alone, root builds as itself. So too where the
            # store has another root: its locks of the users are its own, and Nix, done with a
            # user, kills all that the user runs, which may be another store's builder.
            remote = self.variables.get("NIX_REMOTE", os.environ.get("NIX_REMOTE", ""))
            if "root=" in remote or not _has_group("nixbld"):
                options += ["--option", "build-users-group", ""]
        return options

    def _call(
        self,
        argv: list[str],
        *,
        cwd: Path | None = None,
        stdin: bytes = b"",
        show: bool = False,
    ) -> Completed:
        env = git.untied({**os.environ, **self.variables})
        if not shutil.which(argv[0]) and os.path.exists(f"{_ELSEWHERE}/{argv[0]}"):
            argv = [f"{_ELSEWHERE}/{argv[0]}", *argv[1:]]
        try:
            return self.runner(argv, cwd=cwd, env=env, stdin=stdin, show=show)
        except FileNotFoundError:
            raise NixError(
                "Nix is not installed",
                hint="on Debian: apt-get install nix-bin (as root); elsewhere: nixos.org/download",
            ) from None


def _has_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True

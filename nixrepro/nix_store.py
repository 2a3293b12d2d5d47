"""What verify asks of Nix and its store: outputs, closures, second builds, repairs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from nixrepro.closure import Registered, registered
from nixrepro.complaints import failed, unusable
from nixrepro.derivations import Derivation, parse
from nixrepro.errors import NixError
from nixrepro.nix import Nix
from nixrepro.process import Completed

_APPLY = "builtins.mapAttrs (_: it: { derivation = it.drvPath; path = it.outPath; })"
_KEPT = re.compile(r"^note: keeping build directory '([^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Output:
    """One package of a flake.

    Args:
        derivation: store path of its derivation.
        path: store path of what that makes, realised or not.
    """

    derivation: str
    path: str


@dataclass(frozen=True)
class Store(Nix):
    """The store of this machine's Nix, or another one that `NIX_REMOTE` names."""

    @classmethod
    def of(cls, nix: Nix, **variables: str) -> Store:
        """The store that a Nix uses, with more variables for each call."""
        return cls(nix.runner, {**nix.variables, **variables})

    def folder(self) -> str:
        """The folder that stands before every store path: "" for the machine's own store.

        Raises:
            NixError: the store is on another machine.
        """
        remote = self.variables.get("NIX_REMOTE", os.environ.get("NIX_REMOTE", ""))
        if remote.startswith("/"):
            return remote.rstrip("/")
        parts = urlsplit(remote)
        if (parts.scheme or parts.path) in ("", "auto", "daemon", "unix", "local"):
            roots = parse_qs(parts.query).get("root", [""])
            return roots[0].rstrip("/")
        raise NixError(
            f"the store {remote} is not on this machine, so its files can't be read",
            hint="unset NIX_REMOTE, or verify where the store is",
        )

    def place(self, path: str) -> str:
        """Where the files of a store path are."""
        return self.folder() + path

    def outputs(self, flake: Path) -> dict[str, Output]:
        """Evaluate a flake: its packages by name. Nothing is built.

        Raises:
            BuildError: it can't be evaluated.
        """
        attribute = f"packages.{os.uname().machine}-linux"
        reference = f"{self._reference(flake)}#{attribute}"
        argv = ["nix", *self._options(), "eval", "--json", reference, "--apply", _APPLY]
        done = self._call(argv, cwd=flake)
        if done.status != 0:
            raise failed(done)
        return {name: Output(**entry) for name, entry in json.loads(done.stdout).items()}

    def instantiate(self, folder: Path, names: Sequence[str], output: str) -> list[Output]:
        """Evaluate one output of several flakes, which lie in one folder. Nothing is built.

        Args:
            folder: which they lie in; none of it but the flakes goes into the store.
            names: of theirs, in the order of the answer.
            output: of each.

        Raises:
            BuildError: one can't be evaluated.
        """
        argv = ["nix", *self._options(), "build", "--dry-run", "--json"]
        done = self._call([*argv, *(f"path:./{name}#{output}" for name in names)], cwd=folder)
        if done.status != 0:
            raise failed(done)
        told = json.loads(done.stdout)
        return [Output(entry["drvPath"], entry["outputs"]["out"]) for entry in told]

    def requisites(self, paths: Sequence[str]) -> list[str]:
        """All that store paths reach, themselves included, sorted; those that are valid.

        Raises:
            NixError: one of them is not in the store.
        """
        done = self._call(["nix-store", "--query", "--requisites", *paths])
        if done.status != 0:
            raise unusable(done)
        return sorted(set(done.stdout.decode().split()))

    def registration(self, paths: Sequence[str]) -> str:
        """What Nix's database says of store paths, as `load` takes it.

        Raises:
            NixError: one of them is not in the store.
        """
        done = self._call(["nix-store", "--dump-db", *paths])
        if done.status != 0:
            raise unusable(done)
        return done.stdout.decode()

    def registered(self, paths: Sequence[str]) -> tuple[Registered, ...]:
        """The same, read.

        Raises:
            NixError: one of them is not in the store, or Nix says it in another way than it did.
        """
        if not paths:
            return ()
        try:
            return registered(self.registration(paths))
        except ValueError as error:
            raise NixError(
                f"what `nix-store --dump-db` says can't be read: {error}",
                hint="this Nix may be one that nixrepro was not tried with",
            ) from None

    def load(self, registration: str) -> None:
        """Make paths valid whose files were put where they belong.

        Raises:
            NixError: the database can't be written.
        """
        done = self._call(["nix-store", "--load-db"], stdin=registration.encode())
        if done.status != 0:
            raise unusable(done)

    def derivations(self, roots: Sequence[str]) -> dict[str, Derivation]:
        """The derivations that some stand on, themselves included, by what each makes.

        Raises:
            NixError: one of them is not in the store.
        """
        found = {}
        for path in self.requisites(roots):
            if path.endswith(".drv"):
                text = Path(self.place(path)).read_text(encoding="utf-8")
                derivation = parse(path, text)
                found[derivation.output] = derivation
        return found

    def realise(self, derivations: Iterable[str]) -> Completed:
        """Build what of some derivations is not there yet."""
        return self._realise(sorted(derivations), "--keep-going")

    def build_all(self, derivations: Iterable[str]) -> Completed:
        """Build several side by side, here, on remote builders or from caches, as Nix is set up.

        What can't be built stops none that doesn't need it.
        """
        argv = ["nix-store", "--realise", "--keep-going", *self._building()]
        return self._call([*argv, *sorted(derivations)])

    def substitute(self, paths: Iterable[str], urls: Sequence[str], configured: bool) -> Completed:
        """Take store paths from binary caches, as far as these have them; nothing is built.

        Args:
            paths: what to take; each comes with all that it reaches.
            urls: the caches.
            configured: whether to ask those of Nix's configuration too.
        """
        name = "extra-substituters" if configured else "substituters"
        argv = ["nix-store", "--realise", "--keep-going", "--option", "substitute", "true"]
        return self._call([*argv, "--option", name, " ".join(urls), *paths])

    def copy(self, paths: Sequence[str], *, to: str = "", source: str = "") -> Completed:
        """Copy store paths, with all that they reach, to a cache or from one.

        What is taken needs no signature: whoever names the cache answers for it. Nix lets only
        trusted users do so.
        """
        way = ["--to", to] if to else ["--from", source, "--no-check-sigs"]
        return self._call(["nix", *self._options(), "copy", *way, *paths])

    def log(self, derivation: str) -> str:
        """What a derivation's builder said when it last ran here; "" if nothing is kept."""
        done = self._call(["nix-store", "--read-log", derivation])
        return done.stdout.decode(errors="replace") if done.status == 0 else ""

    def repair(self, derivations: Iterable[str]) -> Completed:
        """Build anew what of some derivations is damaged or missing, in its place.

        What can't be built stays as it was.
        """
        return self._realise(sorted(derivations), "--repair", "--keep-going")

    def build_again(self, derivations: Iterable[str]) -> Completed:
        """Build a second time and compare; what came out otherwise stays beside, as `.check`.

        Nix says of it: see `nixrepro.verify.rebuild`.
        """
        done = self._realise(sorted(derivations), "--check", "--keep-failed", "--keep-going")
        for folder in _KEPT.findall(done.stderr):
            shutil.rmtree(folder, ignore_errors=True)
        return done

    def _realise(self, derivations: Sequence[str], *options: str) -> Completed:
        argv = ["nix-store", "--realise", *options, "--option", "substitute", "false"]
        return self._call([*argv, *self._building(), *derivations])

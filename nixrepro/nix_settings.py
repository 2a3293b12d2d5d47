"""Asks Nix for its own settings and for how it reaches its store."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nixrepro.complaints import unusable
from nixrepro.errors import NixError
from nixrepro.nix import Nix
from nixrepro.process import Completed

_FEATURE = ("--extra-experimental-features", "nix-command")
# Each by the name that it had first, and by that of today.
_SETTINGS = (("show-config",), ("config", "show"))
_PING = (("store", "ping"), ("store", "info"))
_STORE = re.compile(r"^Store URL: (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Settings(Nix):
    """The Nix of this machine, asked about itself."""

    def settings(self) -> dict[str, str]:
        """The values of its settings, by name, as its files and variables have them.

        Raises:
            NixError: it does not tell them.
        """
        try:
            return _parsed(self._first(_SETTINGS))
        except NixError:
            # It tells nothing unless this feature is on; then it tells of that, too.
            told = _parsed(self._first(_SETTINGS, *_FEATURE))
            on = told.get("experimental-features", "").split()
            names = " ".join(name for name in on if name != _FEATURE[-1])
            return {**told, "experimental-features": names}

    def store_url(self) -> str:
        """How it reaches its store, which must answer: `local`, `daemon`, or a URL.

        Raises:
            NixError: the store doesn't answer.
        """
        done = self._first(_PING, *_FEATURE)
        # Later versions say it on standard error.
        found = _STORE.search(done.stdout.decode(errors="replace")) or _STORE.search(done.stderr)
        return found[1] if found else "a store without a name"

    def _first(self, commands: tuple[tuple[str, ...], ...], *options: str) -> Completed:
        """What the first of some commands, by their names in all versions, says.

        Raises:
            NixError: none succeeds; the details are of the first one.
        """
        tried = []
        for command in commands:
            done = self._call(["nix", *command, *options])
            if done.status == 0:
                return done
            tried.append(done)
        raise unusable(tried[0])


def _parsed(done: Completed) -> dict[str, str]:
    lines = done.stdout.decode(errors="replace").splitlines()
    return {name: value for name, sign, value in (line.partition(" = ") for line in lines) if sign}

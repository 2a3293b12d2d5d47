"""What Nix complains of, in words that say what to do."""

from __future__ import annotations

import os
import re

from nixrepro.errors import BuildError, FetchError, NixError, NixreproError
from nixrepro.process import Completed

_TAIL = 25
_SANDBOX = re.compile(r"cloning builder process|kernel namespaces")
_DAEMON = re.compile(r"daemon-socket|cannot connect to socket")
# The last one is SQLite's, of the store's database.
_FULL = re.compile(r"No space left on device|Disk quota exceeded|database or disk is full")
_OWN = re.compile(r"^\s*error: (.+)$", re.MULTILINE)
_PLACE = re.compile(r"-source/([^\s:]+:\d+):\d+")
_ROOM = "make room on the disk of /nix (and in /tmp), then run the same command again"


def unusable(done: Completed) -> NixError:
    """A store that refuses, whatever was asked of it."""
    hint = _ROOM if _FULL.search(done.stderr) else _allowed()
    return NixError("the Nix store can't be used", details=tail(done.stderr), hint=hint)


def not_added(done: Completed) -> NixreproError:
    """A store that took no file: it is full, or refuses."""
    if _FULL.search(done.stderr):
        message = "the files can't be put into the Nix store: its disk is full"
        return FetchError(message, details=tail(done.stderr), hint=_ROOM)
    return unusable(done)


def _allowed() -> str:
    """What to do when the store, or the daemon that keeps it, refuses."""
    if os.geteuid() == 0:
        return "see that the Nix daemon runs, or unset NIX_REMOTE; `nix-store --verify` says more"
    return "see that the Nix daemon runs and that you may use it (on Debian: nix-setup-systemd)"


def failed(done: Completed) -> BuildError:
    """An evaluation or a build that failed: what a builder or the lock said comes first."""
    text = done.stderr
    missing = re.search(r"nixrepro: (\S+) is not in the store", text)
    if missing:
        return BuildError(
            f"{missing[1]} is not in the store", hint="run `nixrepro fetch`, then this again"
        )
    said = [
        line for line in re.findall(r"nixrepro(?:\.lock)?: [^\n]+", text) if "worker" not in line
    ]
    reason = f": {said[-1].removeprefix('nixrepro: ')}" if said else ""
    return BuildError(
        f"Nix could not build the environment{reason}", details=tail(text), hint=_advice(text)
    )


def in_a_line(done: Completed) -> str:
    """Why a build failed, as a part of a sentence: what is known of it, else Nix's own words."""
    error = failed(done)
    if ":" in error.message or error.message.endswith("in the store"):
        return error.said
    own = _OWN.findall(done.stderr)
    return own[0] if own else error.said


def in_words(error: NixreproError) -> str:
    """An error as one sentence, where there is no room for its details: their reason is in it."""
    own = _OWN.findall(error.details)
    if not own or ":" in error.message:
        return error.said
    place = _PLACE.search(error.details)
    where = f" (at {place[1]})" if place else ""
    return "; ".join(filter(None, (f"{error.message}: {own[0]}{where}", error.hint)))


def _advice(text: str) -> str:
    """What to do about a failed build, by what Nix said; nothing where it said it to the person."""
    if _FULL.search(text):
        return _ROOM
    if _DAEMON.search(text):
        return _allowed()
    if _SANDBOX.search(text):
        return "Nix builds in a sandbox: let this machine, or the container it is, make namespaces"
    log = re.search(r"run '(nix log [^']+)'", text)
    if log:
        return f"`{log[1]}` shows all that the builder said"
    lock = re.search(r"nixrepro\.lock: .*run `nixrepro lock`", text)
    if lock or not text:
        return ""
    return "correct what Nix names; `nixrepro init --update` writes flake.nix and nix/ anew"


def tail(text: str) -> str:
    """The last lines of what a program said."""
    return "\n".join(text.rstrip().splitlines()[-_TAIL:])

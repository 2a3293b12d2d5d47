"""The errors that a person meets: what happened, with what, and what to do now."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every verb."""

    OK = 0
    DIFFERS = 1
    USAGE = 2
    NO_NIX = 3
    BUILD = 4
    RUN = 5
    FETCH = 6


class NixreproError(Exception):
    """Base of all errors that the command line prints without a traceback.

    Args:
        message: what happened, naming the file, key or package concerned.
        hint: what the person can do now; empty where nothing can be said.
        details: more lines, such as the tail of a build log; printed below the message.
    """

    code: Exit = Exit.USAGE

    def __init__(self, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    @property
    def said(self) -> str:
        """Message and hint in one line."""
        return "; ".join(filter(None, (self.message, self.hint)))


class ConfigError(NixreproError):
    """pyproject.toml says something that can't be used."""


class ImportFileError(NixreproError):
    """A file of another tool is missing or can't be read: file, line and reason."""


class LockError(NixreproError):
    """nixrepro.lock or flake.lock is missing, broken, foreign or does not fit."""


class ResolveError(NixreproError):
    """A requirement or package can't be met, or its index can't be trusted."""


class NixError(NixreproError):
    """Nix is missing, too old or unusable."""

    code = Exit.NO_NIX


class BuildError(NixreproError):
    """Nix could not build a derivation."""

    code = Exit.BUILD


class RunError(NixreproError):
    """A run could not be started or recorded."""

    code = Exit.RUN


class FetchError(NixreproError):
    """An artefact or index could not be had, or is not what the lock says."""

    code = Exit.FETCH

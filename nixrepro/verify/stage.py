"""Does the checks that are asked for, the cheap ones first; one that can't be done is unknown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nixrepro.errors import NixreproError
from nixrepro.verify.asking import ORDER, Asked
from nixrepro.verify.verdict import State, Verdict

Check = Callable[[], tuple[Verdict, ...]]


def perform(root: Path, asked: Asked, say: Callable[[str], None]) -> Iterator[tuple[Verdict, ...]]:
    """The verdicts of each check, as it ends.

    Args:
        root: the project's folder.
        asked: what to check.
        say: tells a person what is done.
    """
    checks = _checks(root, asked, say)
    for name in ORDER:
        if name in asked.checks:
            yield attempt(name, checks[name])


def attempt(name: str, check: Check) -> tuple[Verdict, ...]:
    """A check's verdicts; where it can't be done, one that says why."""
    begun = time.monotonic()
    try:
        return check()
    except NixreproError as error:
        reason = f"{error.message}; {error.hint}" if error.hint else error.message
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = f"{where}{error.strerror or error}"
    return (Verdict(name, "", State.UNKNOWN, reason, seconds=time.monotonic() - begun),)


def _checks(root: Path, asked: Asked, say: Callable[[str], None]) -> dict[str, Check]:
    """How each check is done; what it needs is imported when it is."""

    def lock() -> tuple[Verdict, ...]:
        from nixrepro.verify.lock import check_lock

        return check_lock(root)

    def signature() -> tuple[Verdict, ...]:
        from nixrepro import record
        from nixrepro.verify.signature import check_signature

        if asked.key is None:
            reason = "no key was given: name the public key's file with --key"
            return (Verdict("signature", "", State.UNKNOWN, reason),)
        return check_signature(record.load(root, asked.run), asked.key)

    def closure() -> tuple[Verdict, ...]:
        from nixrepro.nix import Nix
        from nixrepro.verify.closure import check_closure
        from nixrepro.verify.display import Display, Silent

        progress = Silent() if asked.quiet else Display("checking the closure")
        return check_closure(root, Nix(), repair=asked.repair, progress=progress)

    def hermetic() -> tuple[Verdict, ...]:
        from nixrepro import config
        from nixrepro.cli.entering import enter
        from nixrepro.nix import Nix
        from nixrepro.verify.hermetic import check_hermetic

        _, environment = enter(root)
        words = asked.words or config.load(root).train.command
        return check_hermetic(root, environment, words, Nix())

    def rebuild() -> tuple[Verdict, ...]:
        from nixrepro.nix import Nix
        from nixrepro.verify.rebuild import check_rebuild

        return check_rebuild(root, Nix(), asked.parts, say=say)

    def run() -> tuple[Verdict, ...]:
        from nixrepro import record
        from nixrepro.nix import Nix
        from nixrepro.verify.repeated import check_run

        found = record.load(root, asked.run)
        tolerance = asked.tolerance
        return check_run(root, found, runs=asked.runs, tolerance=tolerance, nix=Nix(), say=say)

    return {
        "lock": lock,
        "signature": signature,
        "closure": closure,
        "hermetic": hermetic,
        "rebuild": rebuild,
        "run": run,
    }

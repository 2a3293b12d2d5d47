"""Does the checks that are asked for, the cheap ones first; one that can't be done is unknown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nixrepro.bundle.named import is_bundle
from nixrepro.complaints import in_words
from nixrepro.errors import NixreproError, RunError
from nixrepro.verify.asking import ORDER, Asked, Misnamed
from nixrepro.verify.verdict import State, Verdict

Check = Callable[[], tuple[Verdict, ...]]


def perform(root: Path, asked: Asked, say: Callable[[str], None]) -> Iterator[tuple[Verdict, ...]]:
    """The verdicts of each check, as it ends.

    Args:
        root: the project's folder.
        asked: what to check.
        say: tells a person what is done.

    Raises:
        NixreproError: a run, a key or a part is asked for that does not exist.
        OSError: the key can't be read.
    """
    _named(root, asked)
    checks = _checks(root, asked, say)
    for name in ORDER:
        if name in asked.checks:
            yield attempt(name, checks[name])


def _named(root: Path, asked: Asked) -> None:
    """See that what is named on the command line is there, before anything slow is done."""
    if asked.run and not is_bundle(asked.run):
        from nixrepro import record

        try:
            record.find(root, asked.run)
        except record.NoSuchRun:
            raise
        except RunError:
            pass  # a broken record is for the checks to judge
    if asked.key:
        from nixrepro import keys

        try:
            keys.public_key(asked.key)
        except keys.UnusableKey:
            raise
        except NixreproError:
            pass  # the libraries are not there: the check says so, the others are done


def attempt(name: str, check: Check) -> tuple[Verdict, ...]:
    """A check's verdicts; where it can't be done, one that says why.

    Raises:
        Misnamed: what it is to check does not exist.
    """
    begun = time.monotonic()
    try:
        return check()
    except Misnamed:
        raise
    except NixreproError as error:
        reason = in_words(error)
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
        from nixrepro.verify.bundled import check_bundled_signature
        from nixrepro.verify.signature import check_signature

        assert asked.key is not None  # `asked` sees to it
        if is_bundle(asked.run):
            return check_bundled_signature(Path(asked.run), asked.key, say)
        try:
            found = record.load(root, asked.run)
        except RunError as error:
            # One that can't be read any more is surely not the one that was signed.
            return (Verdict("signature", "", State.DIFFERS, error.said),)
        return check_signature(found, asked.key)

    def bundle() -> tuple[Verdict, ...]:
        from nixrepro.verify.bundled import check_bundle

        return check_bundle(Path(asked.run), say, quiet=asked.quiet)

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

        return check_rebuild(root, Nix(), asked.parts, say=say, quiet=asked.quiet)

    def run() -> tuple[Verdict, ...]:
        from nixrepro import record
        from nixrepro.nix import Nix
        from nixrepro.verify.bundled import check_bundled_run
        from nixrepro.verify.repeated import check_run

        tolerance = asked.tolerance
        if is_bundle(asked.run):
            path, number = Path(asked.run), asked.runs
            return check_bundled_run(root, path, Nix(), runs=number, tolerance=tolerance, say=say)
        found = record.load(root, asked.run)
        return check_run(root, found, runs=asked.runs, tolerance=tolerance, nix=Nix(), say=say)

    return {
        "lock": lock,
        "bundle": bundle,
        "signature": signature,
        "closure": closure,
        "hermetic": hermetic,
        "rebuild": rebuild,
        "run": run,
    }

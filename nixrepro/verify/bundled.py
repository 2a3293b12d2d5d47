"""Whether a bundle is whole, and its run, made of it alone, gives again what it gave."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.verify.display import Display, Silent
from nixrepro.verify.verdict import State, Verdict

if TYPE_CHECKING:
    from nixrepro.nix import Nix

CHECK = "bundle"
Say = Callable[[str], None]


def check_bundle(path: Path, say: Say, *, quiet: bool) -> tuple[Verdict, ...]:
    """Whether all in a bundle is as its manifest says, and fits its record.

    Args:
        path: the bundle.
        say: tells the person what is done.
        quiet: show no progress.
    """
    from nixrepro.bundle.manifest import BrokenBundle
    from nixrepro.bundle.opening import bundled
    from nixrepro.errors import RunError
    from nixrepro.progress import amount

    began = time.monotonic()

    def verdict(state: State, reason: str, compared: str = "") -> tuple[Verdict, ...]:
        seconds = time.monotonic() - began
        return (Verdict(CHECK, path.name, state, reason, compared, seconds=seconds),)

    try:
        with bundled(path, say, Silent() if quiet else Display(f"checking {path.name}")) as origin:
            assert origin.bundle is not None
            members = origin.bundle.manifest.members
    except (BrokenBundle, RunError) as error:
        return verdict(State.DIFFERS, error.said)
    total = amount(sum(each.size for each in members.values()))
    reason = "its files are whole, and record, lock, artefacts and code fit each other"
    return verdict(State.SAME, reason, f"{len(members)} files, {total}")


def check_bundled_run(
    root: Path, path: Path, nix: Nix, *, runs: int, tolerance: float | None, say: Say
) -> tuple[Verdict, ...]:
    """Repeat the run in a bundle and compare, as `check_run` does; the arguments are its own."""
    from nixrepro.bundle.filling import fill
    from nixrepro.bundle.opening import bundled
    from nixrepro.verify.repeated import check_run

    with bundled(path, say, Silent()) as origin:
        assert origin.bundle is not None
        fill(origin.bundle, origin.record, nix, closure=False, say=say)
        return check_run(
            root,
            origin.record,
            runs=runs,
            tolerance=tolerance,
            nix=nix,
            say=say,
            home=origin.home,
        )


def check_bundled_signature(path: Path, key: Path, say: Say) -> tuple[Verdict, ...]:
    """Check who signed the record in a bundle, as `check_signature` does."""
    from nixrepro.bundle.opening import bundled
    from nixrepro.verify.signature import check_signature

    with bundled(path, say, Silent()) as origin:
        return check_signature(origin.record, key)

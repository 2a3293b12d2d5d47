"""What `nixrepro verify` was asked: which checks, and with what; what doesn't go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from nixrepro.bundle.named import is_bundle
from nixrepro.errors import NixreproError

# The cheap ones first.
ORDER = ("lock", "bundle", "signature", "closure", "hermetic", "rebuild", "run")


class Misnamed(NixreproError):
    """What was asked for does not exist: no check answers that, and all of them end."""


@dataclass(frozen=True)
class Asked:
    """What is to be checked.

    Args:
        checks: some of `ORDER`.
        repair: mend the closure.
        parts: what to rebuild; none for all.
        words: the command to observe; none for the training command.
        run: the start of the id of the run to repeat.
        runs: how often.
        tolerance: by how much metrics may differ; None for not a bit.
        key: the file of a public key.
        quiet: show no progress.
    """

    checks: frozenset[str]
    repair: bool = False
    parts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    run: str = ""
    runs: int = 1
    tolerance: float | None = None
    key: Path | None = None
    quiet: bool = False


def asked(
    words: Sequence[str],
    *,
    only: Sequence[str],
    repair: bool,
    rebuild: bool,
    trace: bool,
    runs: int,
    tolerance: float | None,
    key: Path | None,
    quiet: bool,
) -> Asked:
    """Make sense of a command line.

    Args:
        words: parts with `rebuild`, a command with `trace`, else a run.
        only: the checks to do, whatever else would be.
        repair, rebuild, trace, runs, tolerance, key, quiet: its options.

    Raises:
        click.UsageError: they don't go together.
    """
    if rebuild and trace and words:
        raise click.UsageError("Parts and a command can't be told apart: verify them one by one.")
    run = "" if rebuild or trace else " ".join(words[:1])
    if not rebuild and not trace and len(words) > 1:
        many = f"Only one run can be verified, not {len(words)}"
        raise click.UsageError(f"{many}; a command needs --trace, parts need --rebuild.")
    checks = set(only)
    if not checks:
        checks |= {"rebuild"} if rebuild else set()
        checks |= {"hermetic"} if trace else set()
        checks |= {"closure"} if repair else set()
        checks |= {"run"} if run else set()
        checks |= {"bundle"} if is_bundle(run) else set()
        checks |= {"signature"} if key else set()
        checks = checks or {"lock", "closure"}
    if "bundle" in checks and not is_bundle(run):
        raise click.UsageError("--only bundle goes with a bundle: name its file or folder.")
    if not run and (lacking := checks & {"run", "signature"}):
        what = "--key" if key else f"--only {min(lacking)}"
        raise click.UsageError(f"{what} goes with a run: name one, or `last`.")
    if "signature" in checks and not key:
        raise click.UsageError("--only signature needs the public key's file: name it with --key.")
    if "run" not in checks and (runs > 1 or tolerance is not None):
        raise click.UsageError("--runs and --tolerance go with a run: name one, or `last`.")
    if repair and "closure" not in checks:
        raise click.UsageError("--repair mends the closure, which --only leaves out.")
    for option, given, check in (
        ("--key", key, "signature"),
        ("--rebuild", rebuild, "rebuild"),
        ("--trace", trace, "hermetic"),
    ):
        if given and check not in checks:
            raise click.UsageError(f"{option} asks for `{check}`, which --only leaves out.")
    return Asked(
        checks=frozenset(checks),
        repair=repair,
        parts=tuple(words) if rebuild else (),
        words=tuple(words) if trace else (),
        run=run,
        runs=runs,
        tolerance=tolerance,
        key=key,
        quiet=quiet,
    )

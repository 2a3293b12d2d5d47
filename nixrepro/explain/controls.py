"""What is tried beside the differences: all by themselves, each trial once more, the other run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nixrepro.explain.model import Outcome, Proof, Unit
from nixrepro.explain.numbers import numbers
from nixrepro.explain.phrases import labels
from nixrepro.explain.plan import Ground
from nixrepro.explain.trials import Bench


def by_themselves(
    bench: Bench, ground: Ground, proof: Proof, units: Sequence[Unit]
) -> tuple[Proof, tuple[str, ...]]:
    """All differences without the other run's own tree and lock, which may do it instead.

    Args:
        bench: makes the trials.
        ground: the runs.
        proof: by which all differences are the cause.
        units: these.

    Returns:
        The proof, without a cause where they are none; and what is to be said of that.
    """
    if bench.same(units):
        return proof, ()
    outcome = bench.attempt(units)
    if outcome is Outcome.B:
        return proof, ()
    none = replace(proof, cause=(), needed=(), unsure=(), besides=outcome is not None)
    if outcome is None:
        return replace(none, untested=(*proof.untested, *proof.cause)), ()
    base, other = ground.base.name, ground.other.name
    note = (
        f"{other} again gives {other}'s numbers, and {base} with {labels(units)} of {other} does "
        "not: something in its tree or its lock that is none of these differences does it"
    )
    return none, (note,)


def again(bench: Bench, ground: Ground, proof: Proof, cause: Sequence[Unit]) -> tuple[Proof, str]:
    """That the run as it was, and with the cause, gives once more what it gave.

    Args:
        bench: makes the trials.
        ground: the runs.
        proof: of the cause.
        cause: the differences, with what they need.

    Returns:
        The proof, and why it is none where there is chance.
    """
    base, other = ground.base.name, ground.other.name
    for units, wanted in (((), Outcome.A), (cause, Outcome.B)):
        outcome = bench.attempt(units, control=1)
        if outcome is None:
            return proof, ""
        if outcome is not wanted:
            what = f"{base} with {labels(units)} of {other}" if units else f"{base} again"
            reason = f"{what} was run twice, and did not give the same numbers twice"
            return replace(proof, cause=(), needed=()), reason
    return replace(proof, twice=True), ""


def unrecorded(bench: Bench, ground: Ground) -> str:
    """What becomes of the other run, run again, though nothing that is known differs."""
    base, other = ground.base.name, ground.other.name
    outcome = bench.attempt((), whole=True)
    if outcome is Outcome.A:
        return (
            f"{other} again gives {base}'s numbers here, not its own: chance, or something "
            "that no record holds, such as a file that Git ignores, made them"
        )
    if outcome is Outcome.B:
        return f"{other} again gives its own numbers: its tree makes them, or its lock"
    return astray(bench, ground, outcome, ())


def astray(bench: Bench, ground: Ground, outcome: Outcome | None, units: Sequence[Unit]) -> str:
    """Why the other run, run again here, has not given its own numbers.

    Args:
        bench: makes the trials.
        ground: the runs.
        outcome: what it gave.
        units: all differences.
    """
    other = ground.other.name
    if outcome is None:
        return f"whether {other} gives its own numbers again was not tried"
    if outcome is Outcome.OTHER:
        keys = bench.keys(units, whole=True)
        first = bench.records[keys]
        bench.attempt(units, whole=True, control=1)
        if numbers(first.document) != numbers(bench.records[keys].document):
            return f"There is chance in {other}: two repetitions of it differ from each other"
    if outcome is Outcome.FAILED:
        reason = next((each.reason for each in bench.tested if each.reason), "it fails")
        return f"{other} can't be run again here: {reason}"
    if outcome is Outcome.A:
        return f"{other} again gives {ground.base.name}'s numbers here, and not its own"
    return f"{other} again gives other numbers here than it gave"

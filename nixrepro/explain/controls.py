"""What is tried before a difference is called the cause: by itself, and each trial once more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nixrepro.explain.model import Outcome, Proof, Unit
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
    none = replace(proof, cause=(), needed=(), unsure=())
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

"""What an explanation says after its first sentences: the other differences, and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nixrepro.explain.model import CODE, CORES, CPU, Explanation, Outcome, State, Unit
from nixrepro.explain.phrases import begun, labels, listed, sides


def rest(found: Explanation) -> Iterator[str]:
    """Sentences of what is not the cause, of what the trials left open, and what to do."""
    proof = found.proof
    base, other = sides(found)
    if proof.also:
        verb = "gives" if len(proof.also) == 1 else "each give"
        yield f"{begun(found, proof.also)} alone {verb} {other}'s numbers, too."
    for unit in proof.unsure:
        yield f"Whether {unit.label} matters could not be tried: without it {base} can't be run."
    if proof.apart:
        yield (
            f"Can't be told apart from what it needs, which changes the numbers itself: "
            f"{listed(found, proof.apart)}."
        )
    if found.state is State.EXPLAINED and proof.harmless:
        many = len(proof.harmless) > 1 or len(proof.harmless[0].parts) > 1
        verbs = ("differ", "change") if many else ("differs", "changes")
        harmless = begun(found, proof.harmless)
        yield f"{harmless} also {verbs[0]} and {verbs[1]} nothing here."
    elif found.state is State.OPEN and proof.harmless:
        yield f"Changes nothing here: {listed(found, proof.harmless)}."
    if proof.change:
        yield (
            f"Gives other numbers, neither A's nor B's, when {base} has it of {other}: "
            f"{listed(found, proof.change)}."
        )
    for unit in proof.failed:
        yield f"{base} can't be run with {labels((unit,))} of {other} alone{_why(found, unit)}."
    if proof.untested and found.state is not State.OPEN:
        yield f"Not tested, to end after that many trials: {listed(found, proof.untested)}."
    for unit in (*proof.cause, *proof.change):
        if len(unit.parts) > 1:
            yield f"`nixrepro bisect` finds out which of the {unit.label} it is."
    if found.state is State.EXPLAINED:
        yield from _next(proof.cause)


def _next(cause: Sequence[Unit]) -> Iterator[str]:
    """What to do now."""
    keys = {unit.key for unit in cause}
    if keys & {CPU, CORES}:
        yield "What to do: the portable profile computes the same on every CPU (docs/numerics.md)."
    elif CODE in keys:
        yield "What to do: `nixrepro diff A B` shows what differs in the code."
    elif any(unit.parts for unit in cause):
        yield "What to do: `nixrepro probe A B` shows which functions compute otherwise."


def _why(found: Explanation, unit: Unit) -> str:
    for each in found.trials:
        if unit.key in each.keys and each.outcome is Outcome.FAILED and each.reason:
            return f": {each.reason}"
    return ""

"""What an explanation says after its first sentences: of the differences that are not the cause."""

from __future__ import annotations

from collections.abc import Iterator

from nixrepro.explain.model import Explanation, Outcome, Proof, State, Unit
from nixrepro.explain.phrases import begun, labels, listed, sides


def rest(found: Explanation) -> Iterator[str]:
    """Sentences of what is not the cause, and of what the trials left open."""
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
        yield f"{begun(found, proof.harmless)} also {_harmless(proof)}."
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


def _harmless(proof: Proof) -> str:
    if len(proof.harmless) == 1 and not proof.harmless[0].several:
        return "differs and changes nothing here"
    if proof.together:  # what one of them changes another might take back
        return "differ and, taken together, change nothing here"
    return "differ and change nothing here"


def _why(found: Explanation, unit: Unit) -> str:
    for each in found.trials:
        if unit.key in each.keys and each.outcome is Outcome.FAILED and each.reason:
            return f": {each.reason}" + (f" ({each.complaint})" if each.complaint else "")
    return ""

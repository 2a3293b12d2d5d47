"""Says an explanation in a few lines that fit into a ticket."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from nixrepro.explain.hints import hint
from nixrepro.explain.model import Explanation, Outcome, State
from nixrepro.explain.phrases import (
    ONE,
    capital,
    labels,
    listed,
    named,
    parting,
    same,
    sides,
)
from nixrepro.explain.remarks import rest
from nixrepro.runtime.wording import seconds

WIDTH = 80
_SHOWN = 5


def lines(found: Explanation, width: int = WIDTH) -> list[str]:
    """The explanation for a person.

    Args:
        found: what came out.
        width: how many columns a line may have.
    """
    heads = [
        f"{name}  {text}{_about(found.about.get(name, ''))}"
        for name, text in (("A", found.difference.a), ("B", found.difference.b))
    ]
    lines = [line for head in heads for line in _wrapped(head, width, "   ")]
    for paragraph in _paragraphs(found):
        if paragraph.startswith("  "):
            lines += _wrapped(paragraph, width, "     ")
        else:
            lines += _wrapped(paragraph, width, "  ")
    return lines


def headline(found: Explanation) -> str:
    """The first sentence."""
    return next(_paragraphs(found))


def _about(text: str) -> str:
    return f"  ({text})" if text else ""


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _paragraphs(found: Explanation) -> Iterator[str]:
    yield from _answer(found)
    yield from rest(found)
    yield from (f"{capital(note)}." for note in found.notes)
    blocked = [cause.unit for cause in found.likely if cause.unit.blocked]
    for reason, units in groupby(blocked, key=lambda unit: unit.blocked):
        what = listed(found, units)
        yield f"Can't be tested here: {what}: {reason}."
    if found.state in (State.OPEN, State.UNREPEATABLE, State.CHANCE) and found.facts:
        yield f"Of the machines differ also: {', '.join(found.facts)}."
    if found.trials:
        took = sum(each.seconds for each in found.trials)
        number = len(found.trials)
        yield f"{number} trial{'s' if number > 1 else ''}, {seconds(took)}."
    if closing := hint(found):
        yield closing


def _answer(found: Explanation) -> Iterator[str]:
    """What comes first: the numbers, and the cause."""
    match found.state:
        case State.NOTHING:
            yield f"Nothing can be explained: {found.reason}."
        case State.SAME | State.AGREE | State.HARMLESS:
            yield _same(found)
        case State.EXPLAINED:
            yield _explained(found)
        case State.REMAINING:
            yield from _remaining(found)
        case State.OPEN:
            yield from _open(found)
        case State.CHANCE | State.UNREPEATABLE | State.LIKELY:
            yield f"{parting(found)}."
            if found.reason:
                yield f"Nothing can be proved here: {found.reason}."
            if found.state is State.CHANCE:
                yield "There is chance in the program: time, the random device, threads."
            yield from _likely(found)


def _same(found: Explanation) -> str:
    numbers = same(found)
    if found.state is State.SAME:
        them = "it" if found.subject in ONE else "them"
        return f"{numbers}, and nothing differs that can change {them}."
    differing = listed(found, (cause.unit for cause in found.likely))
    if found.state is State.AGREE:
        return f"{numbers}, though these differ: {differing}."
    base, other = sides(found)
    harmless = listed(found, found.proof.harmless)
    tested = " and can be tested" if any(cause.unit.blocked for cause in found.likely) else ""
    together = ", taken together" if len(found.proof.harmless) > 1 else ""
    return (
        f"{numbers}: {base} with all of {other}'s that differs{tested} gives {base}'s numbers, so "
        f"it changes nothing here{together}: {harmless}."
    )


def _remaining(found: Explanation) -> Iterator[str]:
    yield f"{parting(found)}."
    if not found.proof.harmless:
        yield "Nothing that differs can be tested here."
        return
    yield (
        f"What can be tested here changes nothing ({listed(found, found.proof.harmless)}), so the "
        "cause is among what can't, or something that no record holds."
    )


def _open(found: Explanation) -> Iterator[str]:
    _, other = sides(found)
    if found.same:
        yield f"{same(found)}{_otherwise(found)}."
        return
    yield f"{parting(found)}."
    if found.proof.untested:
        made = sum(bool(each.seconds) or not each.folder for each in found.trials)
        yield (
            f"Not explained yet: {made} trial{'s were' if made != 1 else ' was'} allowed; not "
            f"tried: {listed(found, found.proof.untested)}; the same command without --trials "
            "goes on."
        )
    elif found.proof.whole is Outcome.B and not found.proof.besides:
        yield f"All that differs gives {other}'s numbers; which of it does was not found."
    elif found.proof.whole is not Outcome.B:
        yield "No difference that could be tested explains it."


def _otherwise(found: Explanation) -> str:
    """Why it is not known that what differs of two runs with the same numbers changes nothing."""
    base, other = sides(found)
    tested = " that can be tested" if any(cause.unit.blocked for cause in found.likely) else ""
    everything = f"{base} with all of {other}'s{tested}"
    match found.proof.whole:
        case None:
            return f"; whether {everything} gives them was not tried"
        case Outcome.FAILED:
            return f"; {everything} can't be run here"
        case _:
            return f", but {everything} gives others here"


def _explained(found: Explanation) -> str:
    base, other = sides(found)
    cause = found.proof.cause
    proof = f"{base} with {labels(cause)} of {other}"
    if needed := found.proof.needed:
        proof += f", and {labels(needed)}, which {'they need' if len(cause) > 1 else 'it needs'},"
    proof += f" gives {other}'s numbers"
    control = f"{base} again, as it was, gives {base}'s"
    control += "; each was run twice" if found.proof.twice else "; each was run once"
    because = f"{parting(found)}, because of {listed(found, list(cause))}"
    sure = [unit for unit in cause if unit not in found.proof.unsure]
    if len(cause) > 1 and found.proof.each:
        because += "; each of these changes the numbers, and all are needed for " + f"{other}'s"
    elif len(sure) > 1:
        because += ", only together"
    return f"{because}: {proof}; {control}."


def _likely(found: Explanation) -> Iterator[str]:
    if found.same:
        yield f"These differ: {listed(found, (cause.unit for cause in found.likely))}."
        return
    causes = found.likely
    if not causes:
        yield "Nothing that is recorded and can change numbers differs."
        return
    yield "Likely causes, the likeliest first:"
    for number, cause in enumerate(causes[:_SHOWN], 1):
        reasons = f": {'; '.join(cause.reasons)}" if cause.reasons else ""
        yield f"  {number}. {named(found, cause.unit)}{reasons}"
    if len(causes) > _SHOWN:
        yield f"  and {len(causes) - _SHOWN} more (--json has all)"

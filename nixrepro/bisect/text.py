"""The answer of a bisection, as a person reads it and pastes it into a ticket."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from nixrepro.bisect.display import spelled
from nixrepro.bisect.model import Bisection
from nixrepro.bisect.notes import REST, astray, both_runs
from nixrepro.delta import Chosen, Outcome
from nixrepro.names import counted

_WIDTH = 80
_FEW = 8
_DIGITS = 12


def lines(answer: Bisection) -> list[str]:
    """The answer in lines of 80 characters."""
    paragraphs = [*_verdict(answer), *_failures(answer), *answer.notes]
    if answer.units:
        paragraphs.append(_cost(answer))
    wrapped = [textwrap.wrap(text, _WIDTH, break_on_hyphens=False) for text in paragraphs]
    first, *others = wrapped
    table = list(_table(answer))
    rest = [line for text in others for line in text]
    return [*first, *(["", *table, ""] if table else []), *rest]


def _verdict(answer: Bisection) -> Iterator[str]:
    if not answer.units:
        rest = f"; {REST}" if both_runs(answer) else ""
        yield f"{answer.a.name} and {answer.b.name} have the same packages{rest}."
    elif answer.unstable:
        locks = " and ".join(f"{each}'s lock" for each in answer.unstable)
        yield (
            f"The program differs from itself: no package can be blamed. Trained a second time "
            f"with {locks}, it gave other numbers, as from a clock, from random numbers without a "
            "seed, or from threads that race."
        )
    elif answer.same:
        yield (
            f"The packages alone do not change the numbers: A ({answer.a.name}) gives the same "
            f"with B's lock ({answer.b.name}). `nixrepro explain` looks at the other layers."
        )
    elif not answer.found.complete:
        yield from _left(answer)
    else:
        yield _cause(answer)


def _cause(answer: Bisection) -> str:
    guilty = guilty_of(answer)
    named = _joined([str(answer.units[number]) for number in guilty])
    what = what_changed(answer)
    # Its run may have recorded others still.
    theirs = "what B's lock gives"
    if not astray(answer.b, answer.numbers.get(answer.whole)):
        theirs = "B's numbers"
    if len(guilty) == 1:
        alone = "" if len(answer.found.minimal) > 1 else " alone"
        text = f"{named} changes {what}: with it{alone} A gives {theirs}."
    else:
        fewer = {answer.found.tested.get(each) for each in answer.found.lacking}
        count = "both" if len(guilty) == 2 else "all of them"  # noqa: PLR2004
        if fewer == {Outcome.A}:
            text = f"{named} change {what} only together: with {count} A gives {theirs}, "
            text += "with either alone its own." if len(guilty) == 2 else "with fewer its own."  # noqa: PLR2004
        else:
            text = f"{named} change {what}: it takes {count} for A to give {theirs}."
    needed = sorted(answer.found.minimal - {*guilty})
    if needed:
        names = _joined([answer.units[number].names[0] for number in needed])
        none = answer.found.lacking.get(frozenset(needed)) is Outcome.A
        effect = ", which changes nothing by itself" if none else ""
        text += f" It needs {names} beside it{effect}."
    taken = answer.found.minimal
    rest = sum(len(each.entries) for n, each in enumerate(answer.units) if n not in taken)
    if rest:
        others = f"other {rest} change" if rest > 1 else "other one changes"
        text += f" The {others} nothing more."
    return text


def _left(answer: Bisection) -> Iterator[str]:
    again = "The same command goes on from here."
    if answer.limit == 0:
        again = "Without `--max-trials 0` the same command goes on from here."
    if answer.whole not in answer.found.tested:
        ends = {"A's lock": frozenset[int](), "B's lock": answer.whole}
        untried = [name for name, chosen in ends.items() if chosen not in answer.numbers]
        were = "were" if len(untried) > 1 else "was"
        yield f"Nothing is known yet: {' and '.join(untried)} {were} not tried. {again}"
        return
    left = sorted(answer.found.minimal)
    names = _joined([answer.units[number].names[0] for number in left[:_FEW]])
    if len(left) > _FEW:
        names = ", ".join(answer.units[number].names[0] for number in left[:_FEW])
        names += f" and {len(left) - _FEW} more"
    yield (f"Not found yet: it is among {len(left)} of {len(answer.units)}: {names}. {again}")


def _failures(answer: Bisection) -> Iterator[str]:
    """Why mixes could not be tried which would have told more."""
    failed = [c for c, outcome in answer.found.lacking.items() if outcome is Outcome.FAILED]
    for chosen in failed:
        without = sorted(answer.found.minimal - chosen)
        names = _joined([answer.units[number].names[0] for number in without])
        reason = answer.numbers[chosen].reason
        yield f"Whether {names} matters could not be tried: without it {reason}."


def _table(answer: Bisection) -> Iterator[str]:
    """The digests of A, B and what was tried around the cause."""
    tried: dict[str, Chosen] = {"A": frozenset(), "B": answer.whole}
    if answer.found.complete and not answer.same and answer.found.minimal != answer.whole:
        tried["A with it" if len(guilty_of(answer)) == 1 else "A with them"] = answer.found.minimal
    for chosen, outcome in answer.found.lacking.items():
        if len(guilty_of(answer)) > 1 and outcome is not Outcome.FAILED:
            without = sorted(answer.found.minimal - chosen)
            names = _joined([answer.units[number].names[0] for number in without])
            tried[f"  without {names}"] = chosen
    known = {name: answer.numbers[each] for name, each in tried.items() if each in answer.numbers}
    width = max(map(len, known), default=0)
    for name, numbers in known.items():
        digests = [f"{what} {digest[:_DIGITS]}" for what, digest in sorted(numbers.digests.items())]
        yield f"  {name.ljust(width)}  {'  '.join(reversed(digests))}"


def _cost(answer: Bisection) -> str:
    kept = len(answer.numbers) - answer.fresh
    text = f"{counted(len(answer.numbers), 'trial')} in {spelled(answer.seconds)}"
    return text + (f", {kept} of them known from before." if kept else ".")


def guilty_of(answer: Bisection) -> list[int]:
    """The units of the answer that are there by themselves, not because others need them."""
    minimal = answer.found.minimal
    guilty = {number for lacking in answer.found.lacking for number in minimal - lacking}
    return sorted(guilty or minimal)


def what_changed(answer: Bisection) -> str:
    """What of A's and B's numbers differs: "the weights", "the metrics" or "the output"."""
    a, b = (answer.numbers[each].digests for each in (frozenset[int](), answer.whole))
    differing = [name for name in ("weights", "metrics", "output") if a.get(name) != b.get(name)]
    return f"the {' and '.join(differing)}"


def _joined(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)

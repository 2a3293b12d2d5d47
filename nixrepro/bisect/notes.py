"""What a person has to know beside the cause: whether the runs recorded what their locks give."""

from __future__ import annotations

from nixrepro.bisect.model import Bisection, End, Numbers
from nixrepro.delta import Outcome
from nixrepro.errors import BuildError
from nixrepro.explain.numbers import numbers

REST = "`nixrepro explain A B` looks at the rest"


def both_runs(answer: Bisection) -> bool:
    """Whether `nixrepro explain` can look at them too."""
    return answer.a.record is not None and answer.b.record is not None


def astray(end: End, now: Numbers | None) -> bool:
    """Whether a run recorded other numbers than its lock gives in A's tree.

    What a program says counts in a record with its errors, in a trial without: not comparable.
    """
    if end.record is None or now is None or not now.key or "output" in now.digests:
        return False
    then = numbers(end.record.document)
    return bool(then) and then != now.key


def notes(answer: Bisection) -> list[str]:
    """Whether the locks' own trials gave what the runs recorded."""
    found = []
    if astray(answer.a, answer.numbers.get(frozenset())):
        found.append(
            f"{_capital(answer.a.name)} recorded other numbers than A's lock gives here: another "
            "machine, or what the sandbox lacks, changes them."
        )
    if astray(answer.b, answer.numbers.get(answer.whole)):
        name = _capital(answer.b.name)
        rest = f": {REST}" if both_runs(answer) else ""
        if answer.same:
            found.append(f"{name} recorded other numbers than B's lock gives here{rest}.")
        else:
            found.append(f"{name} recorded other numbers still{rest}.")
    return found


def check(answer: Bisection) -> None:
    """See that both locks ran at all.

    Raises:
        BuildError: one did not.
    """
    for name, end, chosen in (("A", answer.a, frozenset[int]()), ("B", answer.b, answer.whole)):
        if answer.found.tested.get(chosen) is Outcome.FAILED:
            hint = "each trial is A's program and settings in Nix's sandbox, without the host"
            if name == "B" and both_runs(answer):
                hint += "; `nixrepro explain A B` finds which package makes it fail"
            raise BuildError(
                f"nothing can be compared: with the lock of {name} ({end.name}) "
                f"{answer.numbers[chosen].reason}",
                hint=hint,
            )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:] if name.startswith("run ") else name

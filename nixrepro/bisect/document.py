"""The answer of a bisection as JSON."""

from __future__ import annotations

from typing import Any

from nixrepro.bisect.model import Bisection, End
from nixrepro.bisect.text import guilty_of
from nixrepro.delta import Chosen, Outcome
from nixrepro.mixing import Unit

FORMAT = 1


def of(answer: Bisection) -> dict[str, Any]:
    """All that a bisection found; units are named by their place in `units`."""
    found = answer.found
    known = answer.whole in found.tested
    state = "found" if found.minimal and found.complete else "open"
    if answer.same:
        state = "same"
    if answer.unstable:
        state = "unstable"
    return {
        "format": FORMAT,
        "a": _end(answer.a),
        "b": _end(answer.b),
        "state": state,
        "units": [_unit(unit) for unit in answer.units],
        "uncounted": [f"{e.role or e.layer}/{e.name} {e.moves}" for e in answer.uncounted],
        "cause": guilty_of(answer) if state == "found" else [],
        "taken": sorted(found.minimal) if state == "found" else [],
        "left": sorted(found.minimal) if state == "open" and known else [],
        "trials": [_trial(answer, chosen, outcome) for chosen, outcome in found.tested.items()],
        "fresh": answer.fresh,
        "seconds": round(answer.seconds, 3),
        "notes": list(answer.notes),
        "unstable": list(answer.unstable),
    }


def _end(end: End) -> dict[str, Any]:
    return {"name": end.name, "run": end.record.document["id"] if end.record else None}


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "name": str(unit),
        "layer": unit.layer,
        "needs": sorted(unit.needs),
        "entries": [
            {
                "layer": entry.layer,
                "name": entry.name,
                "role": entry.role,
                "a": [each.version or each.sha256 for each in entry.old],
                "b": [each.version or each.sha256 for each in entry.new],
            }
            for entry in unit.entries
        ],
    }


def _trial(answer: Bisection, chosen: Chosen, outcome: Outcome) -> dict[str, Any]:
    numbers = answer.numbers[chosen]
    return {
        "taken": sorted(chosen),
        "outcome": outcome.value,
        "digests": dict(numbers.digests),
        "path": numbers.path or None,
        "reason": numbers.reason or None,
    }

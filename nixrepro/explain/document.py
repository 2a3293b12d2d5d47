"""An explanation as a JSON value, with all of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nixrepro.diff import document as differences
from nixrepro.explain.hints import hint
from nixrepro.explain.model import Explanation, Proof, Trial, Unit
from nixrepro.explain.text import headline

FORMAT = 1


def of(found: Explanation) -> dict[str, Any]:
    """The explanation as `nixrepro explain --json` says it; docs/explain.md describes it."""
    where, a, b = found.parting
    return {
        "format": FORMAT,
        "a": found.difference.a,
        "b": found.difference.b,
        "state": found.state.value,
        "text": headline(found),
        "reason": found.reason,
        "subject": found.subject,
        "same": found.same,
        "base": found.base,
        "parting": {"where": where, "a": a, "b": b} if where else None,
        "likely": [
            {**_unit(cause.unit), "weight": cause.weight, "reasons": list(cause.reasons)}
            for cause in found.likely
        ],
        **_proof(found.proof),
        "trials": [_trial(each) for each in found.trials],
        "facts": list(found.facts),
        "notes": list(found.notes),
        "hint": hint(found),
        "difference": differences.of(found.difference),
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "cause": _keys(proof.cause),
        "needed": _keys(proof.needed),
        "also": _keys(proof.also),
        "harmless": _keys(proof.harmless),
        "together": proof.together,
        "change": _keys(proof.change),
        "failed": _keys(proof.failed),
        "untested": _keys(proof.untested),
        "apart": _keys(proof.apart),
        "unsure": _keys(proof.unsure),
        "each": proof.each,
        "twice": proof.twice,
    }


def _keys(units: Iterable[Unit]) -> list[str]:
    return [unit.key for unit in units]


def _unit(unit: Unit) -> dict[str, Any]:
    return {
        "key": unit.key,
        "layer": unit.layer,
        "label": unit.label,
        "old": unit.old,
        "new": unit.new,
        "blocked": unit.blocked,
        "more": list(unit.more),
    }


def _trial(tested: Trial) -> dict[str, Any]:
    return {
        "taken": list(tested.keys),
        "outcome": tested.outcome.value if tested.outcome else None,
        "folder": tested.folder,
        "seconds": tested.seconds,
        "reason": tested.reason,
        "details": tested.details,
        "complaint": tested.complaint,
    }

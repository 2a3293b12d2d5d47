"""A difference as a JSON value, with all of it."""

from __future__ import annotations

from typing import Any

from nixrepro.diff.model import Change, Difference, Part, Results, Unknown
from nixrepro.runtime.events import number

FORMAT = 1


def of(difference: Difference) -> dict[str, Any]:
    """The difference as `nixrepro diff --json` says it; docs/diff.md describes it."""
    return {
        "format": FORMAT,
        "a": difference.a,
        "b": difference.b,
        "same": difference.same,
        "layers": {part.layer: _part(part) for part in difference.parts},
        "results": _results(difference.results),
        "probe": [{"function": name, "a": a, "b": b} for name, a, b in difference.probe],
    }


def _part(part: Part) -> dict[str, Any]:
    state = "differs" if part.changes else "unknown" if part.unknown else "same"
    found: dict[str, Any] = {"state": state, "changes": [_change(each) for each in part.changes]}
    if part.unknown:
        found["unknown"] = [{"subject": key, "reason": reason} for key, reason in part.unknown]
    if part.text:
        found["diff"] = part.text
    return found


def _change(change: Change) -> dict[str, Any]:
    found = {
        "subject": change.subject,
        "kind": change.kind,
        "a": _value(change.old),
        "b": _value(change.new),
    }
    if change.detail:
        found["detail"] = list(change.detail)
    return found


def _value(value: Any) -> Any:
    return {"unknown": value.reason} if isinstance(value, Unknown) else value


def _results(results: Results) -> dict[str, Any]:
    if results.unknown and not results.metrics:
        return {"state": "unknown", "reason": results.unknown}
    found: dict[str, Any] = {
        "state": "same" if results.same else "differs",
        "metrics": [
            {"name": name, "a": old, "b": new, "difference": number(by)}
            for name, old, new, by in results.metrics
        ],
        "weights": {"a": results.weights[0] or None, "b": results.weights[1] or None},
        "tensors": {"differ": list(results.tensors[0]), "of": results.tensors[1]},
    }
    if results.unknown:
        found["reason"] = results.unknown
    if results.parting:
        found["parting"] = {
            "where": results.parting,
            "a": results.values[0],
            "b": results.values[1],
        }
    return found

"""Turns the events of a run into the record's result and fingerprint."""

from __future__ import annotations

from .canonical import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

NONE = {"unknown": "the program fitted no Keras model and digested no weights"}


def gather(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Fits with epochs, evaluations, logged metrics, seeds, data used, problems: in order."""
    fits: dict[tuple[int, int], dict[str, Any]] = {}
    evaluations: list[dict[str, Any]] = []
    logged: dict[str, dict[str, Any]] = {}
    series: dict[str, list[Any]] = {}
    others: dict[str, list[dict[str, Any]]] = {
        "seeded": [], "data": [], "data-differs": [], "weights": [], "problem": [],
    }  # fmt: skip
    final: dict[str, Any] = {}
    for event in events:
        kind = event.get("event")
        key = (int(event.get("pid", 0)), int(event.get("fit", 0)))
        if kind == "fit":
            _fit(fits.setdefault(key, {"phase": "begin", "epochs": []}), event)
        elif kind == "epoch" and key in fits:
            fits[key]["epochs"].append(event["metrics"])
            final.update(event["metrics"])
        elif kind == "evaluate":
            evaluations.append({"model": event["model"], "metrics": event["metrics"]})
            final.update({f"test_{name}": value for name, value in event["metrics"].items()})
        elif kind == "log":
            _log(logged, series, event)
            final.update(event["metrics"])
        elif kind in others:
            others[str(kind)].append(_without(event, "event", "pid"))
    for name, values in series.items():
        logged[name]["digest"] = digest(values)
    return {
        "fits": list(fits.values()),
        "evaluations": evaluations,
        "logged": logged,
        "final": final,
        "seeded": _distinct(others["seeded"]),
        "data": _distinct(others["data"]),
        "data-differs": _distinct(others["data-differs"]),
        "weights": others["weights"],
        "problems": _distinct(others["problem"]),
    }


def trackers(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs of experiment trackers that the program made, each once."""
    return _distinct([_without(e, "event", "pid") for e in events if e.get("event") == "tracker"])


def fingerprint(result: dict[str, Any]) -> dict[str, Any]:
    """Digests of what the run computed: the final weights, and all metrics in their order.

    The final weights are those after the last fit of each model; several models count in the order
    of their first fit, then what the program digested itself.
    """
    last: dict[Any, Any] = {}
    for fit in result["fits"]:
        if "weights" in fit:
            last[fit.get("model")] = fit["weights"]
    parts = [*last.values(), *(entry["weights"] for entry in result["weights"])]
    known = [part for part in parts if isinstance(part, str)]
    metrics = {
        "fits": [fit["epochs"] for fit in result["fits"]],
        "evaluations": [entry["metrics"] for entry in result["evaluations"]],
        "logged": result["logged"],
    }
    weights: Any = NONE if not parts else digest(known)
    if len(parts) != len(known):
        weights = next(part for part in parts if not isinstance(part, str))
    elif len(known) == 1:
        weights = known[0]
    nothing = not any(metrics.values())
    return {
        "weights": weights,
        "metrics": {"unknown": "the program recorded none"} if nothing else digest(metrics),
    }


def _fit(fit: dict[str, Any], event: dict[str, Any]) -> None:
    fit.update(_without(event, "event", "pid", "fit"))
    if event["phase"] != "begin":
        fit["seconds"] = round(event["seconds"], 6)


def _log(logged: dict[str, Any], series: dict[str, list[Any]], event: dict[str, Any]) -> None:
    for name, value in event["metrics"].items():
        entry = logged.setdefault(name, {"count": 0})
        entry.update(count=entry["count"] + 1, last=value, step=event.get("step"))
        series.setdefault(name, []).append([event.get("step"), value])


def _without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in names}


def _distinct(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for entry in entries:
        if entry not in found:
            found.append(entry)
    return found

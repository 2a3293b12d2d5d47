"""Compares what two runs computed: metrics by name with both values, weights, tensors, steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nixrepro.canonical import json_bytes
from nixrepro.repeat.logged import Series, digest_of, logged, relative
from nixrepro.verify.verdict import Finding

_LAYERS = ("hardware", "system", "accelerator", "wheels", "data", "code", "settings")
_NAMED = 6


@dataclass(frozen=True)
class Compared:
    """How two results differ.

    Args:
        metrics: each metric that differs, with both values.
        others: weights, steps, data and the rest that differ.
        deviation: the largest relative difference of a metric; infinite where one is lacking.
        counted: how many values of metrics were compared.
    """

    metrics: tuple[Finding, ...]
    others: tuple[Finding, ...]
    deviation: float
    counted: int

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that differs."""
        return self.metrics + self.others


def compare(
    then: dict[str, Any], now: dict[str, Any], folders: tuple[Path, Path] | None = None
) -> Compared:
    """Compare the results of two records, bit for bit.

    Args:
        then: the record of the first run.
        now: the record of the second one.
        folders: of the two records, for the values that only the events beside them hold.
    """
    old, new = dict(_values(then["result"])), dict(_values(now["result"]))
    first: dict[str, Finding] = {}
    deviation = 0.0
    for key in [*old, *(key for key in new if key not in old)]:
        place, name = key
        a, b = old.get(key, "none"), new.get(key, "none")
        # 1 and 1.0, or 0.0 and -0.0, are two values.
        if repr(a) == repr(b) or (a == b and json_bytes(a) == json_bytes(b)):
            continue
        deviation = max(deviation, relative(a, b))
        if name not in first:
            where = f" in {place}" if place else ""
            first[name] = Finding(name, f"{a} was recorded, {b} came now{where}")
    series = logged(then, now, folders)
    deviation = max([deviation, *(each.deviation for each in series)])
    metrics = (*first.values(), *(_finding(each) for each in series))
    others = (*_weights(then, now), *_steps(then, now), *_taken(then, now))
    if not metrics and not others:
        others = tuple(_rest(then, now))
        # How far something is off that has no name is not known.
        deviation = float("inf") if others else deviation
    counted = len(old.keys() | new.keys()) + sum(_counts(then, now))
    return Compared(metrics, others, deviation, counted)


def _finding(series: Series) -> Finding:
    reason = f"{series.a} was recorded, {series.b} came now"
    return Finding(f"{series.name}{series.where}", reason)


def _counts(then: dict[str, Any], now: dict[str, Any]) -> Iterator[int]:
    old, new = (document["result"].get("logged", {}) for document in (then, now))
    for name in old.keys() | new.keys():
        yield max(each.get(name, {}).get("count", 0) for each in (old, new))


def comparable(document: dict[str, Any]) -> bool:
    """Whether a record has weights or metrics."""
    return any(isinstance(value, str) for value in document["fingerprint"].values())


def layers_that_differ(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The layers in which two runs differ, the first of them with what it is there."""
    found = []
    for layer in _LAYERS:
        old, new = (_pinned(document["layers"].get(layer)) for document in (then, now))
        if old != new:
            keys = sorted(_keys(old, new)) if isinstance(old, dict) else []
            some = ", ".join(keys[:_NAMED]) + (", ..." if len(keys) > _NAMED else "")
            found.append(f"{layer} ({some})" if some else layer)
    return found


def _pinned(layer: Any) -> Any:
    if not isinstance(layer, list):
        return layer
    pinned = (entry for entry in layer if entry.get("pinned", True))
    # Where data lay on a machine is none of its facts.
    return [{key: value for key, value in e.items() if key != "place"} for e in pinned]


def _keys(old: Any, new: Any, name: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            yield from _keys(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    elif old != new:
        yield name


def _values(result: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """Every value that Keras gave, in the order in which it came, by its place and name."""
    fits = result.get("fits", [])
    for number, fit in enumerate(fits, 1):
        for epoch, metrics in enumerate(fit["epochs"], 1):
            place = f"epoch {epoch}" if len(fits) == 1 else f"fit {number}, epoch {epoch}"
            yield from (((place, name), value) for name, value in metrics.items())
    evaluations = result.get("evaluations", [])
    for number, entry in enumerate(evaluations, 1):
        place = "" if len(evaluations) == 1 else f"evaluation {number}"
        yield from (((place, f"test_{name}"), value) for name, value in entry["metrics"].items())


def _weights(then: dict[str, Any], now: dict[str, Any]) -> Iterator[Finding]:
    old, new = (document["fingerprint"].get("weights") for document in (then, now))
    known = isinstance(old, str) or isinstance(new, str)
    if known and old == new:
        return
    if known:
        yield Finding("weights", f"{digest_of(old)} was recorded, {digest_of(new)} came now")
    # Of several models one may be unknown, and with it the digest of all.
    last, tensors = (_tensors(document) for document in (then, now))
    names = [name for name in last if tensors.get(name) != last[name]]
    names += [name for name in tensors if name not in last]
    if names:
        some = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
        yield Finding("tensors", f"{len(names)} of {len(last.keys() | tensors)} differ: {some}")


def _tensors(document: dict[str, Any]) -> dict[str, Any]:
    """Each tensor of each model's last fit."""
    found: dict[str, Any] = {}
    fits = {fit.get("model"): fit for fit in document["result"].get("fits", [])}
    for model, fit in fits.items():
        for place, tensor in enumerate(fit.get("tensors", [])):
            name = tensor["name"] if model in (None, 1) else f"{tensor['name']} of model {model}"
            # Layers of one name are told apart by their place.
            found[f"{name}#{place}" if name in found else name] = tensor["sha256"]
    return found


def _steps(then: dict[str, Any], now: dict[str, Any]) -> Iterator[Finding]:
    old, new = (document["result"].get("steps") or {} for document in (then, now))
    if old and new and old.get("every") == new.get("every") and old != new:
        yield Finding("steps", "the losses or weights on the way differ")


def _taken(then: dict[str, Any], now: dict[str, Any]) -> Iterator[Finding]:
    """Data from the network that was another file each time."""
    old, new = ({e["name"]: e for e in d["result"].get("data", [])} for d in (then, now))
    for name in old.keys() & new.keys():
        a, b = (entries[name].get("sha256") for entries in (old, new))
        if a != b:
            yield Finding(name, f"it came from the network with other bytes: {b}, not {a}", "data")


def _rest(then: dict[str, Any], now: dict[str, Any]) -> Iterator[Finding]:
    """What has no name here, such as a fit without an epoch."""
    old, new = (document["fingerprint"].get("metrics") for document in (then, now))
    if old != new:
        yield Finding("metrics", f"{digest_of(old)} was recorded, {digest_of(new)} came now")

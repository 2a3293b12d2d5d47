"""Watches Keras (2, 3, tf_keras) train and evaluate; leaves results and output alone."""

from __future__ import annotations

import functools
import os
import time

from . import events, steps, tensors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The fits and evaluations under way, innermost last: a fit evaluates its validation data itself.
_active: list[dict[str, Any]] = []
_models: dict[int, int] = {}
_fits = 0


def watch_callbacks(module: Any) -> None:
    """Let Keras's own History callback, which every fit has, also tell the record of each epoch."""
    history = module.History
    original = history.on_epoch_end
    if getattr(original, "nixrepro", False):
        return

    @functools.wraps(original)
    def on_epoch_end(self: Any, epoch: int, logs: Any = None) -> Any:
        result = original(self, epoch, logs)
        _quietly(_epoch, self, epoch)
        return result

    on_epoch_end.nixrepro = True  # type: ignore[attr-defined]
    history.on_epoch_end = on_epoch_end


def watch_model(module: Any) -> None:
    """Note when a model is fitted or evaluated, and what its weights are after a fit."""
    model = module.Model
    for name, around in (("fit", _fit), ("evaluate", _evaluate)):
        original = getattr(model, name)
        if not getattr(original, "nixrepro", False):
            setattr(model, name, _wrapped(original, around))
    if steps.wanted():
        steps.watch(model, _under_way)


def _under_way(model: Any) -> dict[str, Any] | None:
    return next((item for item in reversed(_active) if item.get("of") is model), None)


def _wrapped(original: Any, around: Any) -> Any:
    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, self, args, kwargs)

    wrapper.nixrepro = True  # type: ignore[attr-defined]
    return wrapper


def _fit(original: Any, model: Any, args: Any, kwargs: Any) -> Any:
    global _fits  # noqa: PLW0603
    _fits += 1
    fit = {"kind": "fit", "fit": _fits, "of": model, "epochs": set()}
    begun = time.perf_counter()
    events.write("fit", fit=_fits, phase="begin", model=_number(model), **_names(model))
    _active.append(fit)
    try:
        result = original(model, *args, **kwargs)
    except BaseException as error:
        seconds = time.perf_counter() - begun
        text = f"{type(error).__name__}: {error}"[:1000]
        events.write("fit", fit=fit["fit"], phase="failed", error=text, seconds=seconds)
        raise
    finally:
        _active.remove(fit)
        _quietly(steps.ended, fit)
    seconds = time.perf_counter() - begun
    facts = describe(model)
    _quietly(_save, model)
    events.write("fit", fit=fit["fit"], phase="end", seconds=seconds, **facts)
    return result


def _evaluate(original: Any, model: Any, args: Any, kwargs: Any) -> Any:
    inner = bool(_active)
    mark = {"kind": "evaluate"}
    _active.append(mark)
    try:
        result = original(model, *args, **kwargs)
    finally:
        _active.remove(mark)
    if not inner:
        _quietly(_evaluated, model, result)
    return result


def _epoch(history: Any, epoch: int) -> None:
    fit = next((item for item in reversed(_active) if item["kind"] == "fit"), None)
    if fit is None or epoch in fit["epochs"]:
        return  # a second History of the program's own
    fit["epochs"].add(epoch)
    metrics = {name: events.number(values[-1]) for name, values in history.history.items()}
    events.write("epoch", fit=fit["fit"], epoch=int(epoch), metrics=metrics)


def _evaluated(model: Any, result: Any) -> None:
    if isinstance(result, dict):
        metrics = dict(result)
    else:
        values = list(result) if isinstance(result, (list, tuple)) else [result]
        names = _metric_names(model)
        if len(names) != len(values):
            names = [str(place) for place in range(len(values))]
        metrics = dict(zip(names, values))
    metrics = {str(name): events.number(value) for name, value in metrics.items()}
    events.write("evaluate", model=_number(model), metrics=metrics)


def _metric_names(model: Any) -> list[str]:
    # Keras 3 hides the compiled metrics in one container; Keras 2 lists them as they are.
    names: list[str] = []
    for metric in model.metrics:
        inner = getattr(metric, "metrics", None)
        names += [str(part.name) for part in inner] if inner else [str(metric.name)]
    return names


def _save(model: Any) -> None:
    """Keep the weights for whoever asked for them; those of the last fit stay."""
    path = os.environ.get("NIXREPRO_WEIGHTS")
    if path:
        import numpy  # type: ignore[import-not-found,unused-ignore]

        values = (w.numpy() if hasattr(w, "numpy") else w for w in model.weights)
        numpy.savez(path, *map(numpy.asarray, values))


def describe(model: Any) -> dict[str, Any]:
    """The digest, count and tensors of a model's weights, or why they are unknown."""
    try:
        parts = tensors.measure(model.weights)
    except Exception as error:
        return {"weights": {"unknown": f"{type(error).__name__}: {error}"[:300]}}
    return {
        "weights": tensors.digest(parts),
        "parameters": tensors.size(parts),
        "tensors": parts,
    }


def _names(model: Any) -> dict[str, str]:
    return {"class": type(model).__name__, "name": str(getattr(model, "name", ""))}


def _number(model: Any) -> int:
    # Models in the order in which they were first seen; kept on the model: ids are used again.
    known = getattr(model, "__dict__", {}).get("_nixrepro_number")
    if known is None:
        known = len(_models) + 1
        _models[known] = known
        try:
            object.__setattr__(model, "_nixrepro_number", known)
        except (AttributeError, TypeError):
            return known  # a model that takes no attributes counts as new each time
    return int(known)


def _quietly(function: Any, *args: Any) -> None:
    try:
        function(*args)
    except Exception as error:
        events.write("problem", where="training", message=f"{type(error).__name__}: {error}")

"""The few calls that a program may make: log a metric, find pinned data, digest a model."""

from __future__ import annotations

import os

from . import events, files, seeding, steps, training

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

seed: int | None = seeding.seed()
run: str = os.path.basename(os.environ.get("NIXREPRO_RUN", ""))


def log(*, step: int | None = None, **metrics: Any) -> None:
    """Record metrics: `log(accuracy=0.97)`, `log(loss=0.3, step=100)`; outside of a run, nothing.

    Args:
        step: where in the training; a whole number of the program's own choice.
        metrics: numbers (also numpy's and TensorFlow's), lists of numbers, or short texts.
    """
    if not os.environ.get("NIXREPRO_RUN"):
        return
    values = {name: events.number(value) for name, value in metrics.items()}
    events.write("log", metrics=values, step=None if step is None else int(step))


def data(name: str) -> str:
    """The path of pinned data: read-only in the store, or where data by reference lies.

    Raises:
        LookupError: nothing of that name is pinned or fetched; this is no run and no nix develop.
    """
    table = files.pinned()
    if name not in table:
        if not os.environ.get("NIXREPRO_DATA"):
            raise LookupError(
                f"pinned data {name!r} is known only in a run: use nixrepro run, or nix develop"
            )
        names = ", ".join(sorted(table)) or "nothing"
        raise LookupError(f"no data {name!r} is pinned; pinned is: {names}")
    entry = table[name]
    url = entry.get("url", "")
    more = {"digest": entry["digest"]} if "digest" in entry else {}
    events.write("data", name=name, url=url, sha256=entry.get("sha256", ""), pinned=True, **more)
    return files.present(name, entry)


def weights(model: Any, name: str = "") -> Any:
    """The digest of a model's weights, also recorded; for training loops that don't use `fit`.

    Returns:
        64 hex digits, or {"unknown": reason}.
    """
    facts = training.describe(model)
    events.write("weights", name=name or str(getattr(model, "name", "")), **facts)
    return facts["weights"]


def step(model: Any, loss: Any = None) -> None:
    """One step of a training loop that doesn't use `fit`; recorded with --fingerprint steps.

    Args:
        model: a Keras model, or anything whose `weights` are TensorFlow variables.
        loss: the step's loss: a number or a tensor of one.
    """
    steps.step(model, loss)

"""How a run is said in one line, the same wherever it is said."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


# What a person wants to see first, if the program measured it.
PREFERRED = ("test_accuracy", "accuracy", "val_accuracy", "acc", "test_loss", "val_loss", "loss")


def chief(metrics: dict[str, Any]) -> tuple[str, Any]:
    """The metric that stands for the run, or two empty texts."""
    for name in PREFERRED:
        if name in metrics:
            return name.replace("_", " "), metrics[name]
    for name, value in metrics.items():
        return name, value
    return "", ""


def figure(value: Any) -> str:
    """A metric's value to four decimals."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def seconds(value: float) -> str:
    """A time as a person says it."""
    if value < 60:  # noqa: PLR2004
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def headline(record: dict[str, Any]) -> str:
    """How it ended, how long it took, its chief metric and its weights."""
    facts = record["exit"]
    parts = [f"{record['status']} in {seconds(record['timings'].get('wall') or 0.0)}"]
    if facts.get("signal"):
        parts[0] += f" by {facts['signal']}"
    elif facts.get("status"):
        parts[0] += f" with status {facts['status']}"
    name, value = chief(record["result"].get("final", {}))
    if name:
        parts.append(f"{name} {figure(value)}")
    weights = record["fingerprint"].get("weights")
    if isinstance(weights, str):
        parts.append(f"weights {weights[:12]}")
    return ", ".join(parts)


def summary(record: dict[str, Any], path: str) -> Iterator[str]:
    """What a person is told when a run has ended, line by line.

    Args:
        record: the whole record.
        path: its file.
    """
    from .record import unpinned

    yield headline(record)
    yield f"environment {record['environment']['path']}"
    yield f"record {record['id'][:12]} in {os.path.relpath(path)}"
    for entry in unpinned(record["result"]):
        yield (
            f"{entry['name']} came from the network and may be another one tomorrow; to pin it: "
            f'[tool.nixrepro.data.{entry["name"].split(".")[0]}] url = "{entry["url"]}" '
            + (f'sha256 = "{entry["sha256"]}"' if isinstance(entry["sha256"], str) else "")
        )

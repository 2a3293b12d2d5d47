"""The process that hands a record to runs of MLflow: started with the closure's own MLflow."""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(path: str) -> None:
    """Do what a file says, run by run; leave behind, line by line, how each of them went.

    Args:
        path: the file; `uploading` writes it and reads what is left.
    """
    with open(path, encoding="utf-8") as stream:
        given = json.load(stream)
    with open(given["left"], "w", encoding="utf-8") as left:
        for run in given["runs"]:
            try:
                _one(run, given)
                text = ""
            except Exception as error:
                text = _said(error, run["uri"])
            left.write(json.dumps([run["run"], text]) + "\n")
            left.flush()


def _one(run: dict[str, Any], given: dict[str, Any]) -> None:
    """Upload to one run, as whom and where its own process was."""
    os.environ.update(run["variables"])
    os.environ["MLFLOW_TRACKING_URI"] = run["uri"]
    import mlflow  # type: ignore[import-not-found,unused-ignore]
    from mlflow.entities import RunTag  # type: ignore[import-not-found,unused-ignore]

    mlflow.set_tracking_uri(run["uri"])
    client = mlflow.tracking.MlflowClient()
    there = client.get_run(run["run"]).data.tags
    lacking = {name: text for name, text in given["tags"].items() if there.get(name) != text}
    if lacking:
        client.log_batch(run["run"], tags=[RunTag(*pair) for pair in lacking.items()])
    client.log_artifacts(run["run"], given["folder"], given["as"])


def _said(error: Exception, uri: str) -> str:
    """The first line of what an error says, for a server's answer may be a page; no password."""
    text = str(error).strip() or type(error).__name__
    secret = uri.partition("://")[2].rpartition("@")[0]
    if secret:
        text = text.replace(secret, "...")
    return text.splitlines()[0][:300]

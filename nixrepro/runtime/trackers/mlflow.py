"""Watches MLflow begin runs, so that each carries nixrepro's tags and the record names it.

MLflow asks its extension point only for runs that `start_run` makes anew. Those which a client
makes, and those which were made before and are gone on with, as under `mlflow run`, are seen here.
"""

from __future__ import annotations

import functools
import inspect

from . import facts, private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KIND = "mlflow"


def watch_client(module: Any) -> None:
    """Have each run that is made carry the tags: all of them are made by this one function."""
    client = module.TrackingServiceClient
    original = client.create_run
    if getattr(original, "nixrepro", False):
        return
    signature = inspect.signature(original)

    @functools.wraps(original)
    def create_run(self: Any, *args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(self, *args, **kwargs)
        facts.quietly(KIND, _tag, bound.arguments)
        run = original(*bound.args, **bound.kwargs)
        facts.quietly(KIND, _begun, self.tracking_uri, run.info.run_id)
        return run

    create_run.nixrepro = True  # type: ignore[attr-defined]
    client.create_run = create_run


def watch_fluent(module: Any) -> None:
    """See the runs that `start_run` goes on with."""
    original = module.start_run
    if getattr(original, "nixrepro", False):
        return

    @functools.wraps(original)
    def start_run(*args: Any, **kwargs: Any) -> Any:
        run = original(*args, **kwargs)
        facts.quietly(KIND, _resumed, run)
        return run

    start_run.nixrepro = True  # type: ignore[attr-defined]
    module.start_run = start_run


def _tag(arguments: dict[str, Any]) -> None:
    arguments["tags"] = {**(arguments.get("tags") or {}), **facts.tags()}


def _resumed(run: Any) -> None:
    from mlflow.tracking import (  # type: ignore[import-not-found,unused-ignore]
        MlflowClient,
        get_tracking_uri,
    )

    own = facts.tags()
    there = run.data.tags
    lacking = {name: value for name, value in own.items() if there.get(name) != value}
    if lacking:
        from mlflow.entities import RunTag  # type: ignore[import-not-found,unused-ignore]

        pairs = [RunTag(name, value) for name, value in lacking.items()]
        MlflowClient().log_batch(run.info.run_id, tags=pairs)
    _begun(get_tracking_uri(), run.info.run_id)


def _begun(uri: Any, run: str) -> None:
    if not facts.run_folder():
        return
    whole = facts.absolute(str(uri))
    if facts.note(KIND, run, uri=facts.without_credentials(whole)):
        private.leave(whole, run)

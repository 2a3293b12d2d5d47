"""Has each run of Weights & Biases carry the record: config at its start, the rest at its end.

W&B takes no plug-ins. A run that never comes to its end has the files of its start.
"""

from __future__ import annotations

import atexit
import functools
import os

from . import artefact, facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KIND = "wandb"
# Of its artifact, and the table's name in its config and summary.
TYPE = "nixrepro"


def watch_init(module: Any) -> None:
    """See runs begin."""
    original = module.init
    if getattr(original, "nixrepro", False):
        return

    @functools.wraps(original)
    def init(*args: Any, **kwargs: Any) -> Any:
        run = original(*args, **kwargs)
        facts.quietly(KIND, _begun, run)
        return run

    init.nixrepro = True  # type: ignore[attr-defined]
    module.init = init


def watch_run(module: Any) -> None:
    """See runs end: by `finish`, at the end of `with`, or with the program."""
    run = module.Run
    name = "_finish" if hasattr(run, "_finish") else "finish"
    original = getattr(run, name)
    if getattr(original, "nixrepro", False):
        return

    @functools.wraps(original)
    def finish(self: Any, *args: Any, **kwargs: Any) -> Any:
        facts.quietly(KIND, _ended, self)
        return original(self, *args, **kwargs)

    finish.nixrepro = True  # type: ignore[attr-defined]
    setattr(run, name, finish)


def _begun(run: Any) -> None:
    values = facts.tags()
    if not values or not getattr(run, "id", "") or getattr(run, "disabled", False):
        return
    run.config.update({TYPE: facts.nested(values)}, allow_val_change=True)
    record = facts.record()
    if record is None or run.__dict__.get("_nixrepro") is not None:
        return  # it is gone on with in the same process
    names = (getattr(run, name, "") for name in ("entity", "project", "id"))
    place = {"path": "/".join(str(name) for name in names if name)}
    if getattr(run, "offline", False):
        place["folder"] = facts.place(os.path.dirname(run.dir))
    facts.note(KIND, run.id, **place)
    folder = _lay(run, record)
    run.save(os.path.join(folder, "*"), base_path=run.dir, policy="live")
    run.__dict__["_nixrepro"] = ""
    atexit.register(facts.quietly, KIND, _ended, run)


def _ended(run: Any) -> None:
    """Leave what the program has computed so far, once."""
    record = facts.record()
    if record is None or run.__dict__.get("_nixrepro") != "":
        return
    run.__dict__["_nixrepro"] = "ended"
    from .. import events, folder, result

    gathered = result.gather(folder.events(os.path.join(facts.run_folder(), events.FILE)))
    record["result"] = {key: value for key, value in gathered.items() if value}
    record["fingerprint"] = result.fingerprint(gathered)
    known = {key: value for key, value in record["fingerprint"].items() if isinstance(value, str)}
    run.summary.update({TYPE: {"record": record["id"], **known}})
    import wandb  # type: ignore[import-not-found,unused-ignore]

    whole = wandb.Artifact(f"{TYPE}-{run.id}", type=TYPE, metadata=facts.nested(facts.tags()))
    whole.add_dir(_lay(run, record))
    run.log_artifact(whole)


def _lay(run: Any, record: dict[str, Any]) -> str:
    from ..canonical import json_bytes

    folder = os.path.join(run.dir, artefact.FOLDER)
    trouble = artefact.lay(
        folder,
        json_bytes(record),
        facts.run_folder(),
        artefact.locks_beside(facts.run_folder()),
        record["environment"].get("lock", ""),
    )
    if trouble:
        raise ValueError(trouble)
    return folder

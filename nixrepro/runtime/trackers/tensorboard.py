"""Has TensorBoard show the record: as hyperparameters, and as text in the folder of a training.

A program's own hyperparameters gain nixrepro's; one that states none gets a session of them in the
log folder of Keras's callback, at the first epoch: by then it has stated what it states.
"""

from __future__ import annotations

import functools
import inspect
from importlib.util import find_spec

from . import facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KIND = "tensorboard"
# What its text is called there.
TEXT = "nixrepro"

_stated = False  # whether the program states hyperparameters of its own
_written: set[str] = set()


def watch_hparams(module: Any) -> None:
    """Add to the hyperparameters that the program states."""
    original = module.hparams_pb
    if getattr(original, "nixrepro", False):
        return

    @functools.wraps(original)
    def hparams_pb(*args: Any, **kwargs: Any) -> Any:
        global _stated  # noqa: PLW0603
        _stated = True
        made = original(*args, **kwargs)
        facts.quietly(KIND, _extend, made)
        return made

    hparams_pb.nixrepro = True  # type: ignore[attr-defined]
    module.hparams_pb = hparams_pb


def watch_callbacks(module: Any) -> None:
    """See Keras's callback begin an epoch."""
    callback = getattr(module, "TensorBoard", None)
    original = getattr(callback, "on_epoch_begin", None)
    if callback is None or original is None or getattr(original, "nixrepro", False):
        return

    @functools.wraps(original)
    def on_epoch_begin(self: Any, *args: Any, **kwargs: Any) -> Any:
        folder = str(self.log_dir)
        if folder not in _written:
            _written.add(folder)
            facts.quietly(KIND, _write, folder)
        return original(self, *args, **kwargs)

    on_epoch_begin.nixrepro = True  # type: ignore[attr-defined]
    callback.on_epoch_begin = on_epoch_begin


def _extend(made: Any) -> None:
    """Add to a session's start; its group stays that of the program's own values."""
    from tensorboard.plugins.hparams import (  # type: ignore[import-not-found,unused-ignore]
        metadata,
        plugin_data_pb2,
    )

    value = made.value[0]
    start = metadata.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)
    for name, text in facts.tags().items():
        if name not in start.hparams:
            start.hparams[name].string_value = text
    data = plugin_data_pb2.HParamsPluginData(session_start_info=start)
    value.metadata.CopyFrom(metadata.create_summary_metadata(data))


def _write(folder: str) -> None:
    values = facts.tags()
    # TensorFlow has the callback where TensorBoard isn't.
    if not facts.run_folder() or not values or find_spec(KIND) is None:
        return
    import time

    from tensorboard.compat.proto.event_pb2 import (  # type: ignore[import-not-found,unused-ignore]
        Event,
    )
    from tensorboard.plugins.hparams import (  # type: ignore[import-not-found,unused-ignore]
        summary_v2 as hparams,
    )
    from tensorboard.plugins.text import (  # type: ignore[import-not-found,unused-ignore]
        summary_v2 as text,
    )
    from tensorboard.summary.writer.event_file_writer import (  # type: ignore[import-not-found,unused-ignore]
        EventFileWriter,
    )

    rows = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in values.items())]
    parts = [text.text_pb(TEXT, "\n".join(rows))]
    if not _stated:
        made = inspect.unwrap(hparams.hparams_pb)({}, trial_id=values[facts.RECORD])
        _extend(made)
        parts.append(made)
    writer = EventFileWriter(folder, filename_suffix=".nixrepro")
    for part in parts:
        writer.add_event(Event(wall_time=time.time(), step=0, summary=part))
    writer.close()
    facts.note(KIND, "", path=facts.place(folder))

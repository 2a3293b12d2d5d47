"""Finds the run that a person names to be launched again: here, in a bundle, or in a tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import record_place
from nixrepro.bundle.named import is_bundle
from nixrepro.errors import NixreproError
from nixrepro.record import Record
from nixrepro.repeat.home import Home
from nixrepro.repeat.integrity import unsound

if TYPE_CHECKING:
    from nixrepro.bundle.reading import Bundle

__all__ = ["TRACKERS", "Origin", "opened"]

TRACKERS = ("mlflow", "wandb")
_WAYS = (
    "give a run (`last`, the start of its id, its folder), a bundle, mlflow:RUN_ID or wandb:PATH"
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Origin:
    """A recorded run, and where what it needs is.

    Args:
        record: the run's.
        home: where its code is; None for the project that it is recorded in.
        bundle: the bundle that has its artefacts; None where they come from elsewhere.
    """

    record: Record
    home: Home | None = None
    bundle: Bundle | None = None


@contextmanager
def opened(root: Path, text: str, done: str, say: Say) -> Iterator[Origin]:
    """The run that a text means, whole and checked, as long as the block runs.

    Args:
        root: the project's folder.
        text: `last`, the start of an id, a run's folder or record.json, a bundle, or a tracker's
            run as `mlflow:ID` or `wandb:PATH`.
        done: what is to be done with it, such as "launched again".
        say: tells the person what is done.

    Raises:
        NixreproError: it is none, or not as it was recorded, or not to be had.
    """
    kind, colon, name = text.partition(":")
    if colon and kind in TRACKERS:
        from nixrepro.relaunch.tracked import fetched

        with fetched(root, kind, name, say) as origin:
            yield origin
    elif is_bundle(text):
        from nixrepro.bundle.opening import bundled

        with bundled(Path(text), say) as origin:
            yield origin
    else:
        if colon and "/" not in kind and not Path(text).exists():
            raise NixreproError(
                f"{text!r}: runs of {kind!r} can't be had",
                hint=f"the trackers are {' and '.join(TRACKERS)}: mlflow:RUN_ID, wandb:PATH",
            )
        if not record_place.is_run(text) and record_place.at(text) is None:
            raise NixreproError(f"nothing is called {text!r} here", hint=_WAYS)
        found = record_place.load(lambda: root, text)
        unsound(found, done)
        yield Origin(found)

"""Settles, at the start of a run, where its data lies, and whether it may start on it."""

from __future__ import annotations

import os

from .. import supervise
from ..canonical import json_bytes, write_atomic
from ..launch import UNRECORDED, USAGE, Options, Refused, say
from .checking import check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "data.json"


def settle(
    options: Options, settings: dict[str, Any], temporary: str
) -> tuple[list[dict[str, Any]], str]:
    """Look at all data by reference; say what is not as it is pinned.

    Args:
        options: the command line's.
        settings: the settings file's table.
        temporary: the run's folder, for the file.

    Returns:
        Entries of the record's data layer, and the file that tells where all data lies.

    Raises:
        Refused: the run may start on pinned data only and some is not; the file can't be written.
    """
    tell = _nothing if options.quiet else say
    looked = check(os.path.abspath(options.project), settings, tell, supervise.asked)
    if looked.wrong and (options.data or options.sandboxed):
        hint = "by --require-data the run starts on pinned data only"
        if options.sandboxed:
            hint = (
                "Nix's sandbox has only what is committed or in the store: say store = true of it"
            )
        raise Refused(f"{'; '.join(looked.wrong)}: {hint}", USAGE)
    for sentence in looked.wrong:
        tell(sentence)
    if looked.wrong:
        tell("the run goes on, and its record says what it found")
    if not looked.table:
        return looked.entries, os.path.abspath(options.settings)
    told = os.path.join(temporary, FILE)
    try:
        write_atomic(told, json_bytes({"data": looked.table}))
    except OSError as error:
        raise Refused(f"{told} can't be written: {error.strerror}", UNRECORDED) from None
    return looked.entries, told


def _nothing(_: str) -> None:
    """Instead of saying something."""

"""Where the command begins: a plain warm start at once, all else by the command line in `cli`.

Reading options with click takes longer than all the rest of a warm start. So what has no option
is done here, with the functions that `cli` itself calls; a test shows that both mean the same.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_INTERRUPTED = 128 + 2
# Set by a shell that asks click what may follow.
COMPLETION = "_NIXREPRO_COMPLETE"


def main() -> NoReturn:
    """Run the command line and exit with its code."""
    try:
        command = plain(sys.argv[1:])
        if command is not None and COMPLETION not in os.environ:
            _start(command)
        from nixrepro.cli import main as whole

        whole()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def plain(words: Sequence[str]) -> list[str] | None:
    """The command that a command line with no option of ours asks to run.

    Args:
        words: what follows `nixrepro`.

    Returns:
        `run`'s COMMAND, nothing for `train` alone; None where it takes click to know.
    """
    match list(words):
        case ["run", "--", _, *_]:
            return list(words[2:])
        case ["run", first, *_] if not first.startswith("-"):
            return list(words[1:])
        case ["train"]:
            return []
    return None


def _start(command: Sequence[str]) -> None:
    """Become the supervisor where nothing need be realised first; else come back."""
    from nixrepro.memory import recall
    from nixrepro.run import start

    try:
        known = recall(os.getcwd())
        if known:
            start(known[1], known[0], command, record=True)
    except OSError:
        return  # it happens again there, where it is said in plain words

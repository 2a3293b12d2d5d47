"""The supervisor of a run: `python -I -m nixrepro_runtime.launch OPTIONS -- COMMAND...`.

Options: `--environment FILE` and `--settings FILE` (both needed), `--project DIR` (the one with
the lock, here or above), `--pass NAME` (again and again), `--weights FILE` (save the final weights
there), `--fingerprint steps[:N]` (digest loss and weights after every N-th training step),
`--require-data` (refuse to start where data by reference is not what is pinned; so does the
variable NIXREPRO_REQUIRE_DATA=1), `--sandboxed` (the same, in Nix's own sandbox),
`--require-clean` (refuse to start code that is not committed and complete; so does the variable
NIXREPRO_REQUIRE_CLEAN=1), `--no-record`, `--quiet`.
Exits with the program's status (128+n for signal n), 127 when there is no such program, 2 for bad
arguments, 5 when the run can't be recorded.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USAGE = 2
UNRECORDED = 5
VALUED = ("--environment", "--settings", "--project", "--pass", "--weights", "--fingerprint")

FLAGS = {
    "--no-record": ("record", False),
    "--quiet": ("quiet", True),
    "--require-data": ("data", True),
    "--require-clean": ("clean", True),
    "--sandboxed": ("sandboxed", True),
}


class Refused(Exception):
    """The run can't be started; the message says why and what to do."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Options:
    """What the command line asks for."""

    def __init__(self) -> None:
        self.environment = ""
        self.settings = ""
        self.project = ""
        self.passed: list[str] = []
        self.weights = ""
        self.fingerprint = ""
        self.steps = 0
        self.record = True
        self.data = os.environ.get("NIXREPRO_REQUIRE_DATA", "") not in ("", "0", "no")
        self.sandboxed = False
        self.quiet = False
        self.clean = os.environ.get("NIXREPRO_REQUIRE_CLEAN", "") not in ("", "0", "no")
        self.command: list[str] = []


def parse(words: list[str]) -> Options:
    """Read the command line by hand: argparse alone would cost more than the rest of the start.

    Raises:
        Refused: an option is not known, or has no value.
    """
    options = Options()
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            options.command = rest
            break
        name, equals, value = word.partition("=")
        if name in VALUED:
            if not equals:
                if not rest:
                    raise Refused(f"{name} needs a value", USAGE)
                value = rest.pop(0)
            if name == "--pass":
                options.passed.append(value)
            else:
                setattr(options, name[2:], value)
        elif word in FLAGS:
            setattr(options, *FLAGS[word])
        else:
            raise Refused(f"option {word} is not known; the command comes after --", USAGE)
    if not options.environment or not options.settings:
        raise Refused("--environment and --settings are needed", USAGE)
    options.steps = steps(options.fingerprint)
    try:
        options.project = options.project or nearest(os.getcwd())
    except FileNotFoundError:
        raise Refused("the folder that this was started in is gone", USAGE) from None
    return options


def steps(text: str) -> int:
    """After how many training steps each time a fingerprint is wanted; 0 for none.

    Raises:
        Refused: it is neither `steps` nor `steps:N`.
    """
    what, colon, every = text.partition(":")
    if not text:
        return 0
    if what != "steps" or (colon and not (every.isascii() and every.isdigit() and int(every))):
        raise Refused(f"--fingerprint takes steps or steps:N, not {text!r}", USAGE)
    return int(every) if colon else 1


def nearest(folder: str) -> str:
    """The project at or above a folder, which has the lock; else the folder itself."""
    place = folder
    while not os.path.exists(os.path.join(place, "nixrepro.lock")):
        above = os.path.dirname(place)
        if above == place:
            return folder
        place = above
    return place


def by_dvc(folder: str) -> bool:
    """Whether a folder, or the repository that it lies in, is one of DVC."""
    while not os.path.isdir(os.path.join(folder, ".dvc")):
        above = os.path.dirname(folder)
        if above == folder or os.path.exists(os.path.join(folder, ".git")):
            return False
        folder = above
    return True


def main(words: list[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    from .launching import launch

    try:
        return launch(parse(sys.argv[1:] if words is None else words), dict(os.environ))
    except Refused as error:
        say(str(error))
        return error.code


def say(text: str) -> None:
    """One message on standard error."""
    if sys.stderr is None:
        return  # closed when Python started: print would take standard output instead
    try:  # noqa: SIM105 - contextlib takes longer to import than all of this
        print(f"nixrepro: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass  # the person may have closed it


def load(path: str, what: str, needed: tuple[str, ...] = ()) -> dict[str, Any]:
    """Read one of the two files, which must have some keys.

    Raises:
        Refused: it is missing, broken, or of a later version.
    """
    import json

    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError) as error:
        raise Refused(f"the {what} file {path} can't be read: {error}", USAGE) from None
    if not isinstance(found, dict) or found.get("format", 1) != 1:
        raise Refused(f"the {what} file {path} is of another version than this program", USAGE)
    if lacking := [name for name in needed if name not in found]:
        raise Refused(f"the {what} file {path} lacks {', '.join(lacking)}", USAGE)
    return found


if __name__ == "__main__":
    # By the name that the others import it by: this copy's `Refused` is not the one they raise.
    from .launch import main as start

    # At once: all is written and flushed, and taking Python down in order takes 4 ms.
    os._exit(start())

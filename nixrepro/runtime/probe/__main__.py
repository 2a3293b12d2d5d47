"""Answers with the probe of an environment here: `python -I -m nixrepro_runtime.probe OPTIONS`.

Options: `--environment FILE` and `--settings FILE` (both needed), `--project DIR`, as the
supervisor of a run has them, and `--again` (take it even where one is kept). The probe goes to
standard output, as one line of canonical JSON. Exits with 0, also where it says why there is none,
2 for bad arguments, 5 where there is no room, and 128+n where signal n came.
"""

from __future__ import annotations

import os
import sys

from .. import host, supervise
from ..canonical import json_bytes
from ..launch import Options, Refused, parse, say
from ..launching import _read, _remove, _temporary
from ..variables import clean
from .kept import Place, Probing

AGAIN = "--again"


def main(words: list[str]) -> int:
    """Print the probe; gives the exit status."""
    try:
        options = parse([word for word in words if word != AGAIN])
        return _answer(options, AGAIN in words, dict(os.environ))
    except Refused as error:
        say(str(error))
        return error.code


def _answer(options: Options, again: bool, variables: dict[str, str]) -> int:
    mask = supervise.block()
    environment, settings = _read(options, mask)
    passed = settings.get("pass", [])
    scratch = _temporary(variables)

    def find() -> Place:
        env = clean(
            host=variables,
            base=environment.get("variables", {}),
            settings=settings,
            passed=passed,
            folder="",
            data=os.path.abspath(options.settings),
            temporary=scratch,
        )
        return Place(
            project=os.path.abspath(options.project),
            environment=environment,
            settings=settings,
            hardware=host.facts(),
            env=env,
            passed=passed,
        )

    try:
        probing = Probing(find, {}, mask, scratch)
        found = (None if again else probing.known(False)) or probing.take(_patience)
    finally:
        _remove(scratch)
    if probing.interrupted:
        return 128 + probing.interrupted
    sys.stdout.buffer.write(json_bytes(found))
    sys.stdout.buffer.flush()
    return 0


def _patience() -> None:
    say("taking the probe of this environment's arithmetic: a few seconds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`nixrepro repeat`: a recorded run once more, from its record alone."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import record, record_place
from nixrepro.cli import options
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.project import find_root

EXAMPLES = ("nixrepro repeat  # the newest run", "nixrepro repeat 6ed6 --fingerprint steps")


@click.command("repeat", cls=Command, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Answer with the new record itself.")
@options.fingerprint
@click.argument("run", default=record.LAST)
@click.pass_obj
def command(folder: Path, *, as_json: bool, fingerprint: str, run: str) -> int:
    """Run a recorded run again, and print the new run's id.

    RUN is the start of its id, its folder, or `last`, as it is without any. Commit, uncommitted
    changes, lock, data and settings are those of the record; the project's own files are not
    touched. What the program says goes to standard error; the exit status is its own.
    `nixrepro verify RUN` compares the results too; `nixrepro relaunch RUN` may change something.
    """
    from nixrepro.nix import Nix
    from nixrepro.repeat import repeat, unsound
    from nixrepro.runtime.launch import Refused, steps
    from nixrepro.runtime.wording import headline

    try:
        every = steps(fingerprint) or None
    except Refused as error:
        raise click.UsageError(str(error)) from None
    root = find_root(folder)
    found = record_place.load(lambda: root, run)
    unsound(found, "repeated")
    again = repeat(root, found, Nix(), steps=every, say=say, show=True)
    say(f"nixrepro: {headline(again.document)}")
    if as_json:
        answer_json(again.document)
    else:
        answer(again.document["id"])
    return int(again.document["exit"]["status"])

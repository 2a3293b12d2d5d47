"""`nixrepro repeat`: a recorded run once more, from its record alone."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import record
from nixrepro.cli import options
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.errors import RunError
from nixrepro.project import find_root


@click.command("repeat")
@click.option("--json", "as_json", is_flag=True, help="Answer with the new record itself.")
@options.fingerprint
@click.argument("run", default=record.LAST)
@click.pass_obj
def command(folder: Path, *, as_json: bool, fingerprint: str, run: str) -> int:
    """Run a recorded run again, and print the new run's id.

    RUN is the start of its id, or `last`, as it is without any. Commit, uncommitted changes, lock,
    data and settings are those of the record; the project's own files are not touched. What the
    program says goes to standard error; the exit status is its own. `nixrepro verify RUN` compares
    the results too.
    """
    from nixrepro.nix import Nix
    from nixrepro.repeat import check, repeat
    from nixrepro.runtime.launch import Refused, steps
    from nixrepro.runtime.wording import headline

    try:
        every = steps(fingerprint) or None
    except Refused as error:
        raise click.UsageError(str(error)) from None
    root = find_root(folder)
    found = record.load(root, run)
    if wrong := check(found.folder, found.document):
        raise RunError(
            f"run {found.document['id'][:12]} is not as it was recorded, and is not repeated",
            hint="restore it from where it was recorded",
            details="\n".join(f"  {each.subject}: {each.reason}" for each in wrong),
        )
    again = repeat(root, found, Nix(), steps=every, say=say, show=True)
    say(f"nixrepro: {headline(again.document)}")
    if as_json:
        answer_json(again.document)
    else:
        answer(again.document["id"])
    return int(again.document["exit"]["status"])

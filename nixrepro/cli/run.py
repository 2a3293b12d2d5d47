"""`nixrepro run`: any command in the pinned environment, seeded and recorded."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli import options
from nixrepro.cli.examples import Command

EXAMPLES = (
    "nixrepro run -- python anything.py --epochs 3",
    "nixrepro run --no-record -- python -c 'import tensorflow'",
    "nixrepro run --fingerprint steps:10 -- python train.py  # for `nixrepro diff`",
    "nixrepro run --require-clean -- python train.py  # for CI",
)


@click.command(
    "run",
    cls=Command,
    examples=EXAMPLES,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--no-record", is_flag=True, help="Leave no record.")
@options.clean
@options.data
@options.quiet
@options.fingerprint
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
@click.pass_obj
def command(
    folder: Path,
    *,
    words: tuple[str, ...],
    no_record: bool,
    clean: bool,
    data: bool,
    quiet: bool,
    fingerprint: str,
) -> None:
    """Run COMMAND in the pinned environment, and record it.

    What is missing is fetched and built first. The exit status is the command's own.
    """
    from nixrepro.cli.entering import enter
    from nixrepro.run import start

    root, environment = enter(folder)
    told = {"record": not no_record, "clean": clean, "data": data, "quiet": quiet}
    start(environment, root, words, fingerprint=fingerprint, **told)

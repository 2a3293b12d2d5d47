"""`nixrepro run`: any command in the pinned environment, seeded and recorded."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli import options


@click.command(
    "run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.option("--no-record", is_flag=True, help="Leave no record.")
@options.fingerprint
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
@click.pass_obj
def command(folder: Path, *, words: tuple[str, ...], no_record: bool, fingerprint: str) -> None:
    """Run COMMAND in the pinned environment, and record it.

    What is missing is fetched and built first. The exit status is the command's own.

    \b
    Examples:
      nixrepro run -- python anything.py --epochs 3
      nixrepro run --no-record -- python -c 'import tensorflow'
    """
    from nixrepro.cli.entering import enter
    from nixrepro.run import start

    root, environment = enter(folder)
    start(environment, root, words, record=not no_record, fingerprint=fingerprint)

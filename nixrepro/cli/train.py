"""`nixrepro train`: the project's training command, seeded and recorded."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli import options
from nixrepro.cli.examples import Command

EXAMPLES = (
    "nixrepro train",
    "nixrepro train --data mnist  # --data is the program's own option",
    "nixrepro train --fingerprint steps  # digest loss and weights after each step",
    "nixrepro train --require-clean  # for CI",
)


@click.command(
    "train",
    cls=Command,
    examples=EXAMPLES,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--no-record", is_flag=True, help="Leave no record.")
@options.clean
@options.data
@options.quiet
@options.fingerprint
@click.pass_obj
def command(
    folder: Path,
    *,
    arguments: tuple[str, ...],
    no_record: bool,
    clean: bool,
    data: bool,
    quiet: bool,
    fingerprint: str,
) -> None:
    """Run the command of [tool.nixrepro.train] in the pinned environment, and record it.

    ARGUMENTS are added to it. What is missing is fetched and built first. The exit status is the
    program's own.
    """
    from nixrepro import config as configs
    from nixrepro.cli.entering import enter
    from nixrepro.run import start

    root, environment = enter(folder)
    words = [*configs.load(root).train.command, *arguments]
    told = {"record": not no_record, "clean": clean, "data": data, "quiet": quiet}
    start(environment, root, words, fingerprint=fingerprint, **told)

"""`nixrepro train`: the project's training command, seeded and recorded."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli import options


@click.command(
    "train", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option("--no-record", is_flag=True, help="Leave no record.")
@options.fingerprint
@click.pass_obj
def command(folder: Path, *, arguments: tuple[str, ...], no_record: bool, fingerprint: str) -> None:
    """Run the command of [tool.nixrepro.train] in the pinned environment, and record it.

    ARGUMENTS are added to it. What is missing is fetched and built first. The exit status is the
    program's own.

    \b
    Examples:
      nixrepro train
      nixrepro train --data mnist
    """
    from nixrepro import config as configs
    from nixrepro.cli.entering import enter
    from nixrepro.run import start

    root, environment = enter(folder)
    words = [*configs.load(root).train.command, *arguments]
    start(environment, root, words, record=not no_record, fingerprint=fingerprint)

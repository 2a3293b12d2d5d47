"""`nixrepro shell`: a prompt in the pinned environment."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli.examples import Command

EXAMPLES = ("nixrepro shell", "nixrepro -C ~/digits shell")


@click.command("shell", cls=Command, examples=EXAMPLES)
@click.pass_obj
def command(folder: Path) -> None:
    """Open a shell in the pinned environment, as `nix develop` does, without asking Nix again.

    Python is seeded there as in a run, but nothing is recorded: use `nixrepro run` for that.
    """
    from nixrepro.cli.entering import enter
    from nixrepro.cli.output import say
    from nixrepro.shell import start

    _, environment = enter(folder)
    say(f"nixrepro: {environment.path}; `exit` leaves")
    start(environment)

"""`nixrepro data verify`: which files changed, appeared or went."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro data verify  # all data of the project",
    "nixrepro data verify train --full  # every byte is read",
)


@click.command("verify", cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1)
@click.option("--full", is_flag=True, help="Read every byte, though size and times are as before.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with all names.")
@click.pass_obj
def command(folder: Path, *, names: tuple[str, ...], full: bool, as_json: bool) -> int:
    """Say whether data is what is pinned, and which of its files are not.

    Without NAMES all data of the project. The exit status is 1 where some is not what is pinned.
    """
    from nixrepro.data import text
    from nixrepro.data.declared import chosen
    from nixrepro.data.standing import verified
    from nixrepro.nix import Nix

    config = configs.load(configs.find_root(folder))
    found = verified(config, chosen(config, names), Nix(), afresh=full, say=say)
    if as_json:
        answer_json({"data": [text.standing_json(each) for each in found]})
    elif not found:
        say(text.NONE)
    for each in () if as_json else found:
        answer(text.verified(each))
    return Exit.DIFFERS if any(each.wrong for each in found) else Exit.OK

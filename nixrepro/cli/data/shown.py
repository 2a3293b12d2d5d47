"""`nixrepro data list`: what is pinned, and whether it is there."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer_json, answer_table, say

EXAMPLES = ("nixrepro data list", "nixrepro data list --json")


@click.command("list", cls=Command, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(folder: Path, *, as_json: bool) -> None:
    """List the data of the project: how it is kept, its digest, where it lies here.

    Nothing is read: `nixrepro data verify` says whether it is what is pinned.
    """
    from nixrepro.data import text
    from nixrepro.data.standing import listed
    from nixrepro.nix import Nix

    config = configs.load(configs.find_root(folder))
    found = listed(config, Nix())
    if as_json:
        answer_json({"data": [text.standing_json(each) for each in found]})
    elif found:
        answer_table(text.HEAD, [text.row(config.root, each) for each in found])
    else:
        say(text.NONE)

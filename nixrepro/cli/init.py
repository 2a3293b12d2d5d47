"""`nixrepro init`: makes a folder a project that trains in a pinned closure."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, say

EXAMPLES = (
    "nixrepro init",
    "nixrepro -C ~/digits init",
    "nixrepro init --update  # after a new version of nixrepro",
)


@click.command("init", cls=Command, examples=EXAMPLES)
@click.option("--update", is_flag=True, help="Only renew flake.nix and nix/ to this version's.")
@click.pass_obj
def command(folder: Path, update: bool) -> None:
    """Write flake.nix, nix/, a [tool.nixrepro] table and .gitignore lines."""
    from nixrepro import vendor
    from nixrepro.config import find_root

    done = vendor.refresh(find_root(folder)) if update else vendor.initialise(folder)
    for line in done:
        answer(line)
    if not update:
        say("next: set dependencies and tool.nixrepro.train.command, then run `nixrepro lock`")
    elif not done:
        say("flake.nix and nix/ are up to date")

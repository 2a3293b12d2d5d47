"""`nixrepro data`: pins data, looks whether it is what is pinned, lists it."""

from __future__ import annotations

import click

from nixrepro.cli.examples import laid_out
from nixrepro.cli.groups import Group

# Each with its module: one called `list` would hide Python's own.
VERBS = {"add": "add", "verify": "verify", "list": "shown"}
EXAMPLES = (
    "nixrepro data add train data/train  # pin a folder where it lies",
    "nixrepro data add train /mnt/big/train  # it lies there on this machine",
    "nixrepro data add train --update  # pin what is there now",
    "nixrepro data add mnist https://data.example/mnist.npz --optional",
    "nixrepro data verify train  # which files changed, appeared or went",
    "nixrepro data list  # what is pinned, and whether it is there",
)


class Verbs(Group):
    """The verbs on data."""

    modules = {name: f"nixrepro.cli.data.{file}" for name, file in VERBS.items()}  # noqa: RUF012

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            for line in laid_out(EXAMPLES):
                formatter.write(f"  {line}\n")


@click.command("data", cls=Verbs)
def command() -> None:
    """Pin data by its digest: files and folders where they lie, or in the store.

    A run looks before it starts whether data is what is pinned, and records what it found.
    """

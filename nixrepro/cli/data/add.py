"""`nixrepro data add`: pins a file, a folder or a URL."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say

EXAMPLES = (
    "nixrepro data add train data/train  # a folder, where it lies",
    "nixrepro data add labels labels.csv --store  # a file, kept in the store",
    "nixrepro data add train /mnt/big/train  # it lies there on this machine",
    "nixrepro data add train --update  # pin what is there now",
    "nixrepro data add raw data/raw.dvc  # as DVC pins it",
)


@click.command("add", cls=Command, examples=EXAMPLES)
@click.argument("name")
@click.argument("target", required=False, default="", metavar="[PATH|URL]")
@click.option("--store", is_flag=True, help="Keep it in the store, where nothing can change it.")
@click.option("--optional", is_flag=True, help="No run needs it.")
@click.option("--update", is_flag=True, help="Pin what is there now in place of another digest.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(
    folder: Path,
    *,
    name: str,
    target: str,
    store: bool,
    optional: bool,
    update: bool,
    as_json: bool,
) -> None:
    """Pin what is at a PATH or URL under NAME, in pyproject.toml.

    A path outside of the project is noted for this machine alone, and only the digest is
    committed. Of data that has its pinned digest this says where it lies here.
    """
    from nixrepro.data import text
    from nixrepro.data.pinning import add
    from nixrepro.nix import Nix

    config = configs.load(configs.find_root(folder))
    done = add(
        *(config, name, target),
        store=store,
        optional=optional,
        update=update,
        nix=Nix(),
        say=say,
    )
    if as_json:
        answer_json(text.added_json(done))
        return
    answer(text.added(done))
    for line in text.next_steps(config.root, done):
        say(line)

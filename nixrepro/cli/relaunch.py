"""`nixrepro relaunch`: a logged experiment as a new run, in the environment it was logged with."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli import options
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say

EXAMPLES = (
    "nixrepro relaunch 6ed6 --set seed=7",
    "nixrepro relaunch last --set arguments.epochs=20 --set variables.DEBUG=1",
    "nixrepro relaunch mlflow:0f3ab1 --set numerics.profile=portable",
    "nixrepro relaunch run.tar -- python train.py --epochs 1",
)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("relaunch", cls=Command, examples=EXAMPLES)
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change this; repeatable.")
@click.option("--from", "source", type=_FOLDER, metavar="FOLDER", help="Artefacts are here, too.")
@click.option(
    "--substituter", "caches", multiple=True, metavar="URL", help="A binary cache to ask."
)
@click.option(
    "--caches", "configured", is_flag=True, help="Ask those that Nix is set up with, too."
)
@click.option("--closure", is_flag=True, help="Trust a bundle with what is built in it.")
@click.option("--json", "as_json", is_flag=True, help="Answer with the new record itself.")
@options.fingerprint
@click.argument("run")
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
@click.pass_obj
def command(
    folder: Path,
    *,
    sets: tuple[str, ...],
    source: Path | None,
    caches: tuple[str, ...],
    configured: bool,
    closure: bool,
    as_json: bool,
    fingerprint: str,
    run: str,
    words: tuple[str, ...],
) -> int:
    """Run a logged experiment as a new run, and print its id.

    RUN is `last`, the start of an id, a run's folder, a bundle, mlflow:RUN_ID or wandb:PATH. Code,
    lock, data and settings are the logged ones, but for what --set or a COMMAND change. KEYs: seed,
    deterministic, variables.NAME, profile, cpu, threads, arguments.NAME, data.NAME (a file).
    """
    from nixrepro.nix import Nix
    from nixrepro.process import ending
    from nixrepro.project import root_or_here
    from nixrepro.relaunch import opened, parse, relaunch, said
    from nixrepro.repeat.realised import Supply
    from nixrepro.runtime.launch import Refused, steps
    from nixrepro.runtime.wording import headline

    try:
        every = steps(fingerprint) or None
    except Refused as error:
        raise click.UsageError(str(error)) from None
    changes = parse(sets, words)
    supply = Supply(source, caches, configured, closure)
    root, nix = root_or_here(folder), Nix()
    with ending(), opened(root, run, "launched again", say) as origin:
        new = relaunch(root, origin, changes, nix, supply=supply, steps=every, say=say, show=True)
    made = new.document
    for line in said(made["changed"]):
        say(f"nixrepro: changed {line}")
    say(f"nixrepro: {headline(made)}")
    if as_json:
        answer_json(made)
    else:
        answer(made["id"])
    return int(made["exit"]["status"])

"""`nixrepro gc`: what this project keeps in the Nix store, and letting go of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nixrepro import config as configs
from nixrepro import gc
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer_json, answer_table, say
from nixrepro.errors import Exit
from nixrepro.record_text import size

if TYPE_CHECKING:
    from nixrepro.nix import Nix

EXAMPLES = (
    "nixrepro gc  # what is kept, and how much it is",
    "nixrepro gc --drop 51yxrnb  # one environment",
    "nixrepro gc --drop bisect --drop trials  # all trials of bisect and explain",
)


@click.command("gc", cls=Command, examples=EXAMPLES)
@click.option("--drop", "names", multiple=True, metavar="NAME", help="Let go of this one.")
@click.option(
    "--unused", is_flag=True, help="Let go of environments that are not current nor in a record."
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(folder: Path, *, names: tuple[str, ...], unused: bool, as_json: bool) -> int:
    """List what is kept from Nix's garbage collector, or drop some of it.

    Every environment that ran is kept, and every trial of bisect with its own, as long as it is
    listed here. What is dropped is removed from the store by the next `nix-collect-garbage`.
    """
    root = configs.find_root(folder)
    if names or unused:
        dropped, trials = gc.let_go(root, names, unused=unused)
        if as_json:
            answer_json({"dropped": [*map(vars, dropped)], "trials": [*map(vars, trials)]})
        for item in (*dropped, *trials):
            say(f"no longer kept: {item}")
        if not as_json:
            count = len(dropped) + len(trials)
            say(f"{count} dropped; `nix-collect-garbage` removes them from the store")
        return Exit.OK
    from nixrepro.nix import Nix

    nix = Nix()
    gc.keep_recorded(root, nix)
    found, trials = gc.kept(root), gc.kept_trials(root)
    if as_json:
        answer_json({"kept": [vars(item) for item in found], "trials": [*map(vars, trials)]})
    elif not found and not trials:
        say("nothing is kept yet")
    else:
        rows = [_row(each, nix) for each in found] + [_trials_row(each, nix) for each in trials]
        answer_table(("name", "runs", "last run", "size", "", "environment"), rows)
    return Exit.OK


def _row(item: gc.Kept, nix: Nix) -> tuple[str, ...]:
    state = "current" if item.current else ""
    held = size(nix.closure_size(item.environment)) if os.path.exists(item.environment) else "gone"
    return item.name[:12], str(item.runs), _time(item.last), held, state, item.environment


def _trials_row(item: gc.KeptTrials, nix: Nix) -> tuple[str, ...]:
    there = [path for path in item.paths if os.path.exists(path)]
    held, folder = size(nix.joint_size(there)) if there else "-", f".nixrepro/{item.name}"
    return item.name[:15], str(item.trials), _time(item.last), held, "trials", folder


def _time(text: str) -> str:
    return text[:19].replace("T", " ") or "-"

"""`nixrepro gc`: what this project keeps in the Nix store, and letting go of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nixrepro import config as configs
from nixrepro import gc
from nixrepro.cli.output import answer_json, answer_table, say
from nixrepro.errors import Exit
from nixrepro.record_text import size

if TYPE_CHECKING:
    from nixrepro.nix import Nix


@click.command("gc")
@click.option("--drop", "names", multiple=True, metavar="NAME", help="Let go of this one.")
@click.option(
    "--unused", is_flag=True, help="Let go of all that no record names and that isn't current."
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(folder: Path, *, names: tuple[str, ...], unused: bool, as_json: bool) -> int:
    """List the environments that are kept from Nix's garbage collector, or drop some.

    Every environment that ran is kept as long as it is listed here. What is dropped is removed
    from the store by the next `nix-collect-garbage`.

    \b
    Examples:
      nixrepro gc
      nixrepro gc --drop 51yxrnb
    """
    root = configs.find_root(folder)
    if names or unused:
        spare = [item.name for item in gc.kept(root) if not item.runs and not item.current]
        dropped = gc.drop(root, [*names, *(spare if unused else [])])
        if as_json:
            answer_json({"dropped": [vars(item) for item in dropped]})
        for item in dropped:
            say(f"no longer kept: {item.name} {item.environment}")
        if not as_json:
            say(f"{len(dropped)} dropped; `nix-collect-garbage` removes them from the store")
        return Exit.OK
    from nixrepro.nix import Nix

    nix = Nix()
    gc.keep_recorded(root, nix)
    found = gc.kept(root)
    if as_json:
        answer_json({"kept": [vars(item) for item in found]})
    elif not found:
        say("nothing is kept yet")
    else:
        rows = [_row(item, nix) for item in found]
        answer_table(("name", "runs", "last run", "size", "", "environment"), rows)
    return Exit.OK


def _row(item: gc.Kept, nix: Nix) -> tuple[str, ...]:
    state = "current" if item.current else ""
    last = item.last[:19].replace("T", " ") or "-"
    held = size(nix.closure_size(item.environment)) if os.path.exists(item.environment) else "gone"
    return item.name[:12], str(item.runs), last, held, state, item.environment

"""`nixrepro lock`: pins all that the project asks for, or checks that it still is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, answer_table, say
from nixrepro.errors import Exit
from nixrepro.lock.text import counted, moved

if TYPE_CHECKING:
    from nixrepro.locking import Locked

_WAITING = "another `nixrepro lock` is at work in this project: waiting for it"


EXAMPLES = (
    "nixrepro lock",
    "nixrepro lock --check  # offline: does it answer pyproject.toml?",
    "nixrepro lock --upgrade numpy libc6  # only these may move",
    "nixrepro lock --as-of 2022-03-01  # as of the end of that day",
)


@click.command("lock", cls=Command, examples=EXAMPLES)
@click.option("--check", is_flag=True, help="Only say, offline, whether lock and project agree.")
@click.option("--upgrade", is_flag=True, help="Let versions move: of NAMES, or of everything.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Resolve as of that day.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.argument("names", nargs=-1)
@click.pass_obj
def command(
    folder: Path,
    *,
    check: bool,
    upgrade: bool,
    as_of: datetime | None,
    as_json: bool,
    names: tuple[str, ...],
) -> int:
    """Pin every package, wheel and data file in nixrepro.lock, and nixpkgs in flake.lock.

    Versions that still fit are kept. NAMES go with --upgrade: `lock --upgrade numpy libc6`.
    """
    if check and (upgrade or as_of):
        raise click.UsageError("--check goes with neither --upgrade nor --as-of.")
    if names and not upgrade:
        raise click.UsageError("Names go with --upgrade: lock --upgrade " + " ".join(names))
    config = configs.load(configs.find_root(folder))
    if check:
        return _check(config, as_json)
    from nixrepro.locking import update

    for note in configs.notes(config):
        say(note)
    moving = frozenset(names) if upgrade else None
    day = as_of.date() if as_of else None
    _show(update(config, upgrade=moving, as_of=day, waiting=lambda: say(_WAITING)), as_json)
    return Exit.OK


def _check(config: configs.Config, as_json: bool) -> int:
    lock = locks.load(config.root / locks.FILE)
    changes = locks.compare(lock, config)
    if missing := locks.lacking(lock, config):
        say(f"{locks.FILE} is of an older nixrepro: `nixrepro lock` adds {', '.join(missing)}")
    if as_json:
        answer_json({"agrees": not changes, "changes": [vars(item) for item in changes]})
    elif changes:
        rows = [(item.key, item.old or "-", item.new or "-") for item in changes]
        answer_table(("asked", "in the lock", "now"), rows)
        say(f"{locks.FILE} and {config.asks} differ: run `nixrepro lock`")
    else:
        answer(f"{locks.FILE} and {config.asks} agree ({len(lock.artefacts)} artefacts)")
    return Exit.DIFFERS if changes else Exit.OK


def _show(locked: Locked, as_json: bool) -> None:
    moves = locks.changes(locked.old, locked.new)
    if as_json:
        answer_json({"lock": locks.FILE, "changes": [vars(move) for move in moves]})
    elif locked.old is None:
        answer_table(("layer", "artefacts"), counted(locked.new))
    elif moves:
        answer_table(("layer", "name", "from", "to"), [moved(move) for move in moves])
    say(f"{locks.FILE}: {len(locked.new.artefacts)} artefacts, {len(moves) or 'none'} changed")

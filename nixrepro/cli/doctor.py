"""`nixrepro doctor`: what is missing on this machine, and how to get it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer_json, say, visible

EXAMPLES = (
    "nixrepro doctor",
    "nixrepro doctor --network  # ask mirrors and indexes, too",
    "nixrepro -C ~/digits doctor --json",
)
# What is not on a terminal is laid out for one of the usual width.
_WIDTH = 80
_COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}


@click.command("doctor", cls=Command, examples=EXAMPLES)
@click.option("--network", is_flag=True, help="Ask the configured mirrors and indexes, too.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(folder: Path, *, network: bool, as_json: bool) -> int:
    """Say what this machine and project lack, each with the command that mends it.

    Nothing is changed, and without --network nobody is asked. Exits with 0 when nothing needed is
    missing, with 3 where that is Nix, else with 1.
    """
    from nixrepro.doctor import check, gather, text

    if network and sys.stderr.isatty():
        say("nixrepro: asking the servers")
    found = check(gather(folder, os.environ, network=network))
    if as_json:
        answer_json(text.document(found))
        return text.code(found)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    for state, line in text.lines(found, min(width, 100)):
        shown = visible(line)
        if state is not None and (word := f"  {state.value}") and shown.startswith(word):
            shown = click.style(word, fg=_COLOURS[state.value]) + shown[len(word) :]
        click.echo(shown)
    say(f"nixrepro: {text.summary(found)}")
    return text.code(found)

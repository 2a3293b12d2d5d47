"""`nixrepro runs`: what ran, newest first."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro import record
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer_json, answer_table, say
from nixrepro.errors import Exit
from nixrepro.runtime.wording import chief, figure, seconds

SHOWN = 30
# In this order, so that a narrow terminal leaves out the last ones.
HEAD = ("run", "when", "status", "result", "command", "weights", "took", "environment", "from")
COMMAND = 40


EXAMPLES = ("nixrepro runs", "nixrepro runs --limit 0  # all of them", "nixrepro runs --json")


@click.command("runs", cls=Command, examples=EXAMPLES)
@click.option("--limit", type=click.IntRange(0), help=f"How many; 0: all. [terminal: {SHOWN}]")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@click.pass_obj
def command(folder: Path, *, limit: int | None, as_json: bool) -> int:
    """List the runs of this project, newest first."""
    found = record.runs(configs.find_root(folder))
    terminal = sys.stdout.isatty() and not as_json
    if limit is None:
        limit = SHOWN if terminal else 0
    shown = found[:limit] if limit else found
    if as_json:
        answer_json({"runs": [vars(line) for line in shown]})
        return Exit.OK
    if not found:
        say("nothing ran yet: run `nixrepro train`")
        return Exit.OK
    rows = [row(line) for line in shown]
    columns = fitting(rows, shutil.get_terminal_size().columns) if terminal else len(HEAD)
    answer_table(HEAD[:columns], [cells[:columns] for cells in rows])
    if len(shown) < len(found):
        say(f"{len(found) - len(shown)} more: `nixrepro runs --limit 0`")
    return Exit.OK


def row(line: record.Summary) -> tuple[str, ...]:
    """A run's cells, in the order of HEAD."""
    when = datetime.fromisoformat(line.started).astimezone()
    name, value = chief(line.metrics)
    said = " ".join(line.command)
    return (
        line.id[:12],
        f"{when:%Y-%m-%d %H:%M:%S}",
        line.status,
        f"{name} {figure(value)}" if name else "-",
        said if len(said) <= COMMAND else said[: COMMAND - 3] + "...",
        line.weights[:12] or "-",
        "-" if line.wall is None else seconds(line.wall),
        line.environment[:12],
        _made_of(line),
    )


def _made_of(line: record.Summary) -> str:
    """The run that it was made of, and how."""
    if line.relaunches:
        return f"relaunches {line.relaunches[:12]}"
    return f"repeats {line.repeats[:12]}" if line.repeats else "-"


def fitting(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many columns stand side by side in a width; at least id, time and status."""
    used = 0
    for column, head in enumerate(HEAD):
        used += max(len(head), *(len(cells[column]) for cells in rows)) + 2
        if used - 2 > width:
            return max(column, 3)
    return len(HEAD)

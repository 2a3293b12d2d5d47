"""Results to standard output, talk to standard error; tables for people and for pipes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from nixrepro.canonical import json_bytes

# A name in a stranger's record could else steer the terminal.
_SEEN = {n: f"\\x{n:02x}" for n in (*range(32), *range(127, 160)) if chr(n) not in "\t\n"}


def say(text: str) -> None:
    """Tell the person something that is no result."""
    click.echo(visible(text), err=True)


def answer(text: str) -> None:
    """Print a line of the result."""
    click.echo(visible(text))


def visible(text: str) -> str:
    """A text with its control characters, but for tabs and line breaks, spelled out."""
    return text.translate(_SEEN)


def answer_json(value: Any) -> None:
    """Print the result as canonical JSON."""
    click.echo(json_bytes(value).decode(), nl=False)


def answer_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads: ruled and coloured on a terminal, plain columns in a pipe."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*head, box=None, header_style="bold", pad_edge=False)
        for row in rows:
            table.add_row(*(Text(visible(cell)) for cell in row))
        Console().print(table)
        return
    lines = [head, *([visible(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())

"""A verb's examples: kept as data, and shown at the end of its help on 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

WIDTH = 80
# Between a command line and what is said of it.
_MARK = "  # "


class Command(click.Command):
    """A verb with examples: `@click.command("verb", cls=Command, examples=EXAMPLES)`.

    Args:
        examples: a command line each, and behind two spaces and `#` what it does.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on lines of its own: none is wrapped or joined."""
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line in laid_out(self.examples):
                    formatter.write(f"  {line}\n")


def split(example: str) -> tuple[str, str]:
    """An example's command line, and what is said of it ("" where nothing is)."""
    line, _, said = example.partition(_MARK)
    return line.rstrip(), said


def laid_out(examples: Sequence[str], width: int = WIDTH - 2) -> list[str]:
    """Lines with the remarks in one column as far as that goes; above a line that is too long.

    Args:
        examples: as `Command` takes them.
        width: columns that a line may take.
    """
    parts = [split(each) for each in examples]
    room = min((width - len(_MARK) - len(said) for _, said in parts if said), default=0)
    column = max((len(line) for line, said in parts if said and len(line) <= room), default=0)
    lines: list[str] = []
    for line, said in parts:
        whole = f"{line:<{column}}{_MARK}{said}"
        if not said:
            lines.append(line)
        elif len(whole) <= width:
            lines.append(whole)
        else:
            lines += [f"# {said}", line]
    return lines

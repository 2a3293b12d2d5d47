"""`nixrepro diff`: what two runs, locks, revisions or environments differ in."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro diff 6ed6 last",
    "nixrepro diff HEAD~3: nixrepro.lock  # the lock of then, and that of now",
    "nixrepro diff last ~/shared/8c1f09d2a7b34e51 --json",
)


@click.command("diff", cls=Command, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with nothing cut.")
@click.argument("a")
@click.argument("b")
@click.pass_obj
def command(folder: Path, *, as_json: bool, a: str, b: str) -> int:
    """Say what A and B differ in, from hardware to settings, and where their results part.

    Each is a run (`last`, the start of its id), a lock file, a git revision with a colon, a store
    path, or the folder of a project. Exits with 1 where something differs.
    """
    from nixrepro import diff
    from nixrepro.config import find_root
    from nixrepro.diff import document, text

    root = find_root(folder)
    one, two = diff.find(root, a), diff.find(root, b)
    found = diff.difference(root, one, two)
    if as_json:
        answer_json(document.of(found))
    else:
        lines = text.lines(found, (one.about, two.about))
        if sys.stdout.isatty():
            lines = text.fitted(lines, shutil.get_terminal_size().columns)
        answer("\n".join(lines))
    return Exit.OK if found.same else Exit.DIFFERS

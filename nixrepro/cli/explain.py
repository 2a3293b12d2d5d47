"""`nixrepro explain`: why two runs' numbers differ, and the proof of it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro explain 6ed6 last  # of two runs of this project",
    "nixrepro explain --no-run last ~/shared/8c1f09d2a7b34e51/record.json  # only what is likely",
    "nixrepro explain --again 6ed6 last  # nothing of what was tried before counts",
)


@click.command("explain", cls=Command, examples=EXAMPLES)
@click.option("--no-run", is_flag=True, help="Only say what is likely; run nothing.")
@click.option(
    "--trials",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Make no more than N new trials; 0, as it is by itself, for as many as are needed.",
)
@click.option("--again", is_flag=True, help="Make all trials anew; those of before are kept.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with nothing cut.")
@click.argument("a")
@click.argument("b")
@click.pass_obj
def command(
    folder: Path, *, no_run: bool, trials: int, again: bool, as_json: bool, a: str, b: str
) -> int:
    """Say why the numbers of the runs A and B differ, and prove it.

    Each is `last`, the start of a run's id, or a run's folder or record.json from anywhere. A is
    run again with one difference at a time taken from B, until B's numbers appear. Trials are kept
    in .nixrepro/trials and made once. Exits with 0 where the numbers are the same or the cause was
    shown, with 1 where it was not.
    """
    from nixrepro import diff
    from nixrepro.explain import State, document, explain, text
    from nixrepro.nix import Nix
    from nixrepro.process import ending
    from nixrepro.project import find_root

    root = find_root(folder)
    nix = Nix()
    one, two = (diff.find(root, each, nix, runs=True) for each in (a, b))
    with ending():
        found = explain(root, one, two, nix, run=not no_run, most=trials, say=say, again=again)
    if as_json:
        answer_json(document.of(found))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else text.WIDTH
        answer("\n".join(text.lines(found, min(width, 100))))
    good = (State.SAME, State.AGREE, State.HARMLESS, State.EXPLAINED)
    return Exit.OK if found.same or found.state in good else Exit.DIFFERS

"""`nixrepro bisect`: which of many differing packages changes the numbers."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro bisect 6ed6 last",
    "nixrepro bisect HEAD~3: nixrepro.lock --max-trials 6  # now; more later",
)


@click.command("bisect", cls=Command, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, with every trial.")
@click.option(
    "--max-trials",
    "limit",
    type=click.IntRange(0),
    metavar="N",
    help="Train at most N times now (0: only say what is known); the same command goes on later.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    metavar="N",
    help="Give Nix N trials at a time: with more of them there are fewer rounds.",
)
@click.argument("a")
@click.argument("b")
@click.pass_obj
def command(folder: Path, *, as_json: bool, limit: int | None, at_once: int, a: str, b: str) -> int:
    """Find the packages that, taken from B's lock, give A's run the numbers of B.

    A and B are runs, lock files, git revisions with a colon, or folders of projects. Each trial is
    A's program with A's settings, as a derivation of Nix; none is made twice, also after a cut.
    Exits with 0 when the cause is found, with 1 when there is none or it is not found yet.
    """
    from nixrepro.bisect import Asked, bisect, document, text
    from nixrepro.nix import Nix
    from nixrepro.nix_store import Store
    from nixrepro.process import ending
    from nixrepro.project import find_root

    root = find_root(folder)
    with ending():
        found = bisect(root, Asked(a, b, limit, at_once), Store.of(Nix()), say)
    if as_json:
        answer_json(document.of(found))
    else:
        answer("\n".join(text.lines(found)))
    return Exit.OK if found.found.complete and found.found.minimal else Exit.DIFFERS

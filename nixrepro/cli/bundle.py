"""`nixrepro bundle`: a run with all that launching it again needs, in one file or folder."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import record, record_place
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro bundle last -o run.tar",
    "nixrepro bundle 6ed6 -o /media/stick/run --closure",
    "nixrepro relaunch run.tar    # on another machine, without a network",
)


@click.command("bundle", cls=Command, examples=EXAMPLES)
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.tar|FOLDER",
    help="A file whose name ends in .tar, or a new folder.",
)
@click.option("--closure", is_flag=True, help="Take along what is built, so that nothing need be.")
@click.option("--history", is_flag=True, help="Take along the commits before the one that ran.")
@click.option("--json", "as_json", is_flag=True, help="Answer with the bundle's manifest.")
@click.argument("run", default=record.LAST)
@click.pass_obj
def command(
    folder: Path, *, target: Path, closure: bool, history: bool, as_json: bool, run: str
) -> int:
    """Write all that launching RUN again needs: no network is needed there.

    In it are the record, its lock, the commit with what was not committed, and every package, wheel
    and data file by its hash. `nixrepro relaunch`, `verify` and `show` take it as a RUN.
    """
    from nixrepro.bundle.manifest import written
    from nixrepro.bundle.stage import bundle
    from nixrepro.nix import Nix
    from nixrepro.process import ending
    from nixrepro.progress import amount
    from nixrepro.project import find_root
    from nixrepro.verify.display import Display, Silent

    root = find_root(folder)
    found = record_place.load(lambda: root, run)
    progress = Silent() if as_json else Display(f"writing {target.name}")
    with ending():
        made = bundle(
            root, found, target, Nix(), closure=closure, history=history, say=say, progress=progress
        )
    if as_json:
        import json

        answer_json(json.loads(written(made)))
    else:
        total = amount(sum(each.size for each in made.members.values()))
        say(f"nixrepro: run {made.run[:12]}, {len(made.members)} files, {total}")
        answer(str(target))
    return Exit.OK

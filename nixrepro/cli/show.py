"""`nixrepro show`: one run's record, layer by layer."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro import record
from nixrepro.cli.output import answer, answer_json
from nixrepro.errors import Exit


@click.command("show")
@click.option("--json", "as_json", is_flag=True, help="Answer with the record itself.")
@click.argument("run", default=record.LAST)
@click.pass_obj
def command(folder: Path, *, as_json: bool, run: str) -> int:
    """Show a run: RUN is the start of its id, or `last`, as it is without any."""
    found = record.load(configs.find_root(folder), run)
    if as_json:
        answer_json(found.document)
        return Exit.OK
    from nixrepro import record_text

    for line in record_text.lines(found.document):
        answer(line)
    answer(f"{'in':<{record_text.WIDTH}}{found.folder}")
    return Exit.OK

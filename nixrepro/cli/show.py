"""`nixrepro show`: one run's record, layer by layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nixrepro import config as configs
from nixrepro import record, record_place
from nixrepro.bundle.named import shown
from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json
from nixrepro.errors import Exit, RunError

EXAMPLES = (
    "nixrepro show  # the newest run",
    "nixrepro show 6ed6 --json",
    "nixrepro show last --cpu > lab.cpu",
)


@click.command("show", cls=Command, examples=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Answer with the record itself.")
@click.option(
    "--cpu", is_flag=True, help="Answer with the CPU's table, as `vcpu --table` takes it."
)
@click.argument("run", default=record.LAST)
@click.pass_obj
def command(folder: Path, *, as_json: bool, cpu: bool, run: str) -> int:
    """Show a run: RUN is the start of its id, its folder, a bundle, or `last`, as without any."""
    if cpu and as_json:
        raise click.UsageError("--cpu answers with a table and --json with the record: give one")
    found = shown(run) or record_place.load(lambda: configs.find_root(folder), run)
    if cpu:
        return _cpu(found.document)
    if as_json:
        answer_json(found.document)
        return Exit.OK
    from nixrepro import git, record_text

    commit = (found.document["layers"].get("code") or {}).get("commit")
    folder = found.folder if found.folder.is_dir() else found.folder.parent  # of a bundle
    known = git.shared(folder, commit) if isinstance(commit, str) else None
    for line in record_text.lines(found.document, known):
        answer(line)
    answer(f"{'in':<{record_text.WIDTH}}{found.folder}")
    return Exit.OK


def _cpu(document: dict[str, Any]) -> int:
    facts = document["layers"]["hardware"].get("cpu", {})
    table = facts.get("table", {"unknown": "it was recorded by an older nixrepro"})
    if not isinstance(table, list):
        raise RunError(
            f"run {document['id'][:12]} does not tell its CPU's table: {table['unknown']}",
            hint="run it again on that machine, or take `vcpu --show` there",
        )
    name = facts["model"] if isinstance(facts["model"], str) else "a CPU without a name"
    answer(f"# {name}, recorded by run {document['id'][:12]} of {document['started'][:10]}")
    for line in table:
        answer(line)
    return Exit.OK

"""`nixrepro import`: takes over what another tool's file asks for and pins."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, answer_json, say
from nixrepro.errors import Exit

EXAMPLES = (
    "nixrepro import requirements.txt  # it is read each time a lock is made",
    "nixrepro import poetry.lock  # or uv.lock, Pipfile.lock, pylock.toml",
    "nixrepro import environment.yml  # conda's: what has a wheel",
    "nixrepro import Dockerfile --dry-run  # base, packages, wheels, command",
)


@click.command("import", cls=Command, examples=EXAMPLES)
@click.option(
    "--dry-run",
    "--print",
    "dry",
    is_flag=True,
    help="Only show what would be added; write nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON, every pin included.")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def command(folder: Path, *, dry: bool, as_json: bool, file: Path) -> int:
    """Have pyproject.toml say what FILE asks for, and say what could not be taken over.

    FILE is a requirements.txt, poetry.lock, Pipfile.lock, uv.lock, pylock.toml, environment.yml or
    Dockerfile. In a folder that is no project yet, it does what `nixrepro init` does too.
    """
    from nixrepro.imports import stage, text

    path = file if file.exists() or file.is_absolute() else folder / file
    taken = stage.take(folder, path, write=not dry)
    if as_json:
        answer_json(text.document(taken))
        return Exit.OK
    for line in text.lines(taken):
        answer(line)
    if dry and taken.proposal.added:
        answer("to be added to pyproject.toml:")
        for line in taken.proposal.text.splitlines():
            answer(f"  {line}".rstrip())
    for line in taken.done:
        answer(line)
    for line in taken.proposal.kept:
        say(f"pyproject.toml: {line}")
    if lost := text.missing(taken):
        say(lost)
    if not taken.proposal.added:
        say("pyproject.toml says all of it already")
    elif taken.done:
        say("next: run `nixrepro lock`")
    return Exit.OK

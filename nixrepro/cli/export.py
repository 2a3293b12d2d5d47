"""`nixrepro export`: what the lock pins of Python, as other tools read it."""

from __future__ import annotations

from pathlib import Path

import click

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.cli.examples import Command
from nixrepro.cli.output import say
from nixrepro.errors import Exit
from nixrepro.names import counted

EXAMPLES = (
    "nixrepro export --format requirements.txt  # to standard output",
    "nixrepro export -o pylock.toml  # for uv, and for pip from 25.1 on",
    "nixrepro export -o pinned.txt  # for pip install --require-hashes -r",
)
_FORMATS = ("pylock.toml", "requirements.txt")


@click.command("export", cls=Command, examples=EXAMPLES)
@click.option("--format", "form", type=click.Choice(_FORMATS), help="By default what FILE names.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Standard output where it is not given, or -.",
)
@click.option(
    "--files",
    default="wheels",
    show_default=True,
    metavar="FOLDER",
    help="Where a pylock.toml says the files are of which the lock names no URL.",
)
@click.pass_obj
def command(folder: Path, *, form: str | None, output: Path | None, files: str) -> int:
    """Write the wheels and sdists of nixrepro.lock as pylock.toml or requirements.txt.

    Both hold the exact versions with the SHA-256 of each file. What lies below the wheels, from
    the C library to the compiler, no other tool's file can say.
    """
    from nixrepro.canonical import write_atomic
    from nixrepro.exports import FORMATS, check_place, distributions
    from nixrepro.imports import form as form_of

    output = None if output == Path("-") else output
    form = form or (form_of(output.name) if output else "")
    if form not in FORMATS:
        raise click.UsageError(f"Give --format: {' or '.join(_FORMATS)}.")
    config = configs.load(configs.find_root(folder))
    if output:
        check_place(output, config)
    lock = locks.load(config.root / locks.FILE)
    if locks.compare(lock, config):
        say(f"{locks.FILE} and {configs.FILE} differ: `nixrepro lock` makes them agree")
    text = FORMATS[form](lock, files.rstrip("/") or "/")
    if output:
        write_atomic(output, text.encode())
    else:
        click.echo(text, nl=False)
    found = distributions(lock)
    without = sum(not each.url for each in found)
    say(f"{output or form}: {counted(len(found), 'distribution')}")
    if without and form == "pylock.toml":
        say(f"the lock names no URL of {without} of them: their files are expected in {files}/")
    return Exit.OK

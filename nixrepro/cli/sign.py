"""`nixrepro sign`: says by a key that a record is what its signer saw."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from nixrepro import record
from nixrepro.cli.examples import Command
from nixrepro.cli.key import PASSPHRASE, default
from nixrepro.cli.output import answer
from nixrepro.errors import NixreproError
from nixrepro.project import find_root

EXAMPLES = ("nixrepro sign  # the newest run", "nixrepro sign 6ed6 --key ~/keys/alice.pem")


@click.command("sign", cls=Command, examples=EXAMPLES)
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The private key. [default: the one that `nixrepro key` makes]",
)
@click.argument("run", default=record.LAST)
@click.pass_obj
def command(folder: Path, *, key: Path | None, run: str) -> None:
    """Sign a run's record, and print the path of its envelope.

    RUN is the start of its id, or `last`, as it is without any. Several people may sign one run.
    Who has the public key then checks it: `nixrepro verify RUN --key FILE`.
    """
    from nixrepro import signing

    found = record.load(find_root(folder), run)
    answer(str(signing.sign(found, key or default(), _passphrase)))


def _passphrase() -> bytes:
    word = os.environ.get(PASSPHRASE)
    if word is None:
        if not sys.stdin.isatty():
            raise NixreproError("the key is encrypted", hint=f"give its passphrase by {PASSPHRASE}")
        word = click.prompt("Passphrase", hide_input=True, err=True)
    return os.fsencode(word or "")

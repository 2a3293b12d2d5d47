"""`nixrepro key`: a pair of keys to sign records with."""

from __future__ import annotations

import os
from pathlib import Path

import click

from nixrepro.cli.examples import Command
from nixrepro.cli.output import answer, say

PASSPHRASE = "NIXREPRO_PASSPHRASE"


def default() -> Path:
    """The person's own key, outside of all projects."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "nixrepro" / "key.pem"


EXAMPLES = ("nixrepro key", "nixrepro key --passphrase ~/keys/alice.pem")


@click.command("key", cls=Command, examples=EXAMPLES)
@click.option(
    "--passphrase",
    is_flag=True,
    help=f"Encrypt the private key: asks, or takes the variable {PASSPHRASE}.",
)
@click.argument("file", type=click.Path(path_type=Path), required=False)
def command(*, file: Path | None, passphrase: bool) -> None:
    """Make an ed25519 key pair, and print its id.

    The private key goes to FILE, which only you can read, the public one to FILE.pub, which you
    give to others. Without FILE they go to nixrepro/key.pem in your configuration's folder.
    Nothing is overwritten.
    """
    from nixrepro import git, keys

    file = file or default()
    word = ""
    if passphrase:
        word = os.environ.get(PASSPHRASE) or click.prompt(
            "Passphrase", hide_input=True, confirmation_prompt=True, err=True
        )
    name = keys.make_key(file, os.fsencode(word))
    say(f"private key {file}")
    say(f"public key {keys.public_of(file)}")
    if git.unknown(file.parent, [file.name]):
        say(f"{file} lies in a Git work tree: move it, or a commit or a run's record will have it")
    answer(name)

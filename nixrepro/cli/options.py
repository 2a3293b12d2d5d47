"""Options that several verbs have."""

from __future__ import annotations

import click

clean = click.option(
    "--require-clean",
    "clean",
    is_flag=True,
    help="Start nothing where code is uncommitted, untracked or not fetched.",
)

data = click.option(
    "--require-data",
    "data",
    is_flag=True,
    help="Start nothing where data by reference is not what is pinned.",
)

quiet = click.option("--quiet", is_flag=True, help="Say nothing but errors.")

# Taken as text: the supervisor says what is wrong with it, as it does without the tool.
fingerprint = click.option(
    "--fingerprint",
    default="",
    metavar="steps[:N]",
    help="Digest loss and weights after every N-th training step, for `nixrepro diff`.",
)

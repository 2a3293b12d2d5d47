"""Options that several verbs have."""

from __future__ import annotations

import click

# Taken as text: the supervisor says what is wrong with it, as it does without the tool.
fingerprint = click.option(
    "--fingerprint",
    default="",
    metavar="steps[:N]",
    help="Digest loss and weights after every N-th training step, for `nixrepro diff`.",
)

"""`nixrepro completion`: what makes Tab complete verbs, options, runs and data in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nixrepro import entry
from nixrepro.cli.examples import Command

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

SHELLS = ("bash", "zsh", "fish")
# The newest run comes first, where fish would sort by id; and what is said of it may have commas.
_FISH = (
    ("complete --no-files", "complete --keep-order --no-files"),
    ('string split ","', 'string split --max 1 ","'),
)
EXAMPLES = (
    "nixrepro completion bash > ~/.local/share/bash-completion/completions/nixrepro",
    "nixrepro completion zsh > ~/.zfunc/_nixrepro",
    "nixrepro completion fish > ~/.config/fish/completions/nixrepro.fish",
    'eval "$(nixrepro completion bash)"  # only for this shell; so in zsh',
)


@click.command("completion", cls=Command, examples=EXAMPLES)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes nixrepro's command lines.

    Write it to where the shell looks for such scripts, as below, and start a new shell. The
    folder must be there. For bash the package bash-completion reads it; for zsh ~/.zshrc needs
    `fpath+=~/.zfunc` before `autoload -U compinit; compinit`.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    made: ShellComplete = kind(ctx.find_root().command, {}, "nixrepro", entry.COMPLETION)
    # The class's own way for bash starts that first, to look how old it is.
    script = ShellComplete.source(made)
    for old, new in _FISH if shell == "fish" else ():
        script = script.replace(old, new)
    click.echo(script)

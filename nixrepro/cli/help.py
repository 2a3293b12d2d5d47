"""`nixrepro help`: the help of a verb, or a manual page of all verbs."""

from __future__ import annotations

import click

from nixrepro.cli.examples import Command

EXAMPLES = (
    "nixrepro help verify  # as `nixrepro verify --help`",
    "nixrepro help data add",
    "nixrepro help --man > ~/.local/share/man/man1/nixrepro.1  # for `man nixrepro`",
)


@click.command("help", cls=Command, examples=EXAMPLES)
@click.option("--man", is_flag=True, help="Print a manual page of all verbs, for man(1).")
@click.argument("verb", nargs=-1)
@click.pass_context
def command(ctx: click.Context, *, man: bool, verb: tuple[str, ...]) -> None:
    """Show how VERB is used, or without any which verbs there are."""
    top = ctx.find_root()
    assert isinstance(top.command, click.Group)
    if man:
        from nixrepro.cli.man import page

        if verb:
            raise click.UsageError("--man is of all verbs: give none")
        click.echo(page(top.command, "nixrepro"), nl=False)
        return
    found: click.Command = top.command
    context = top
    for name in verb:
        # An unknown name is answered as on the command line.
        _, each, _ = (
            found.resolve_command(context, [name])
            if isinstance(found, click.Group)
            else (None, None, [])
        )
        if each is None:
            raise click.UsageError(f"{context.command_path} has no verb {name!r}")
        context = click.Context(each, context, name)
        found = each
    click.echo(found.get_help(context))

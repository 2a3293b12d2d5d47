"""The command line: finds the verb and runs it."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from nixrepro import __version__, entry
from nixrepro.cli.boundary import ReaderGone, guard
from nixrepro.cli.groups import Group

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERBS = (
    "init",
    "import",
    "lock",
    "export",
    "fetch",
    "data",
    "train",
    "run",
    "shell",
    "runs",
    "show",
    "diff",
    "probe",
    "explain",
    "bisect",
    "gc",
    "repeat",
    "relaunch",
    "bundle",
    "key",
    "sign",
    "verify",
    "doctor",
    "completion",
    "help",
)


class Verbs(Group):
    """All verbs; a shell's Tab knows what their arguments may be."""

    modules = {name: f"nixrepro.cli.{name}" for name in VERBS}  # noqa: RUF012 - as Group has it

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is not None and entry.COMPLETION in os.environ:
            from nixrepro.cli.completing import attach

            attach(found)
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from nixrepro.cli.completing import verbs

        return [*verbs(VERBS, incomplete), *click.Command.shell_complete(self, ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click itself would exit with 1, which here means "differs".
            raise ReaderGone from error


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nixrepro", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "--project",
    "folder",
    type=click.Path(path_type=Path),
    default=".",
    metavar="DIR",
    help="Work in the project at or above DIR instead of the current folder.",
)
@click.pass_context
def verbs(ctx: click.Context, folder: Path) -> None:
    """Training runs in a closure pinned from glibc to the wheels, recorded and explained."""
    ctx.obj = folder


def main() -> NoReturn:
    """Run the command line and exit: with the verb's own code, or with an error's."""
    # Whoever started this may ignore it: then nobody learns how the programs started here ended.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name or argument that is no UTF-8 is shown in its escaped form.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(guard(lambda: verbs.main(prog_name="nixrepro", standalone_mode=False)))

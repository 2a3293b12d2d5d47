"""The one place where errors are printed and become exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

import click

from nixrepro.cli.output import visible
from nixrepro.errors import Exit, NixreproError

# What a shell says of a program that such a signal ended: SIGINT, SIGPIPE.
_INTERRUPTED = 128 + 2
_READER_GONE = 128 + 13
_HINTS = {
    errno.ENOSPC: "make room on that disk, then run the same command again",
    errno.EDQUOT: "make room within your quota, then run the same command again",
    errno.EACCES: "make the folder writable for you, then run the same command again",
    errno.EROFS: "that file system is read-only: work in a folder that can be written",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}


class ReaderGone(Exception):
    """Who reads standard output has gone, as `head` does when it has seen enough."""


def guard(verb: Callable[[], object]) -> int:
    """Run a verb; the exit code is what it returns, or that of the error it raises."""
    try:
        code = verb()
    except NixreproError as error:
        _print(error.message, error.details, error.hint)
        code = error.code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = _INTERRUPTED
    except ReaderGone:
        # Keep Python from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _READER_GONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _print(f"{where}{error.strerror or error}", "", _HINTS.get(error.errno or 0, ""))
        code = Exit.USAGE
    return code if isinstance(code, int) else Exit.OK


def _print(message: str, details: str, hint: str) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(visible(message), err=True)
    if details:
        click.echo(visible(details.rstrip("\n")), err=True)
    if hint:
        click.secho("hint: ", fg="cyan", nl=False, err=True)
        click.echo(visible(hint), err=True)

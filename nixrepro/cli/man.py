"""Makes the manual page of the command line, from the verbs themselves; pure text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click

from nixrepro import __version__
from nixrepro.cli.examples import Command, split

_EXITS = (
    ("0", "same, or done"),
    ("1", "something differs, or is not as it should be"),
    ("2", "a wrong command line, or input that can't be used"),
    ("3", "Nix is missing or can't be used"),
    ("4", "a build failed"),
    ("5", "a run could not be started or recorded"),
    ("6", "an artefact could not be had"),
)
_FILES = (
    ("pyproject.toml", "what is wanted, in [tool.nixrepro]"),
    ("nixrepro.lock", "every artefact, by name, version and SHA-256"),
    ("flake.nix, flake.lock, nix/", "the flake, what it pins, and the library that it uses"),
    (".nixrepro/runs/", "the records of runs"),
)
_PLAIN = "A program that was run gives its own exit status."


def page(group: click.Group, name: str) -> str:
    """The whole page as roff text, for man(1).

    Args:
        group: the command line.
        name: what it is called.
    """
    context = click.Context(group, info_name=name, **group.context_settings)
    lines = [f'.TH {name.upper()} 1 "" "{name} {__version__}" "User commands"']
    lines += [".SH NAME", rf"{name} \- {_escaped(_sentence(group.help).rstrip('.'))}"]
    lines += [".SH SYNOPSIS", rf".B {name}", r"[\fIOPTIONS\fR] \fIVERB\fR [\fIARGUMENTS\fR]"]
    lines += [".SH OPTIONS", *_options(group, context), ".SH VERBS"]
    for verb in group.list_commands(context):
        found = group.get_command(context, verb)
        if found is not None:
            lines += _verb(found, click.Context(found, context, verb))
    lines += [".SH EXIT STATUS", *_table(_EXITS), ".PP", _PLAIN, ".SH FILES", *_table(_FILES)]
    return "\n".join(lines) + "\n"


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _verb(found, click.Context(found, context, name))
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escaped(context.command_path)} {_escaped(usage)}"
    for paragraph in (command.help or "").split("\n\n"):
        yield from (".PP", _escaped(" ".join(paragraph.replace("\b", "").split())))
    yield from _options(command, context)
    if isinstance(command, Command) and command.examples:
        yield from (".PP", "Examples:")
        for line, said in map(split, command.examples):
            yield from (".PP", ".RS 4", ".nf", rf"\fB{_escaped(line)}\fR", ".fi")
            yield from ([_escaped(said)] if said else [])
            yield ".RE"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for param in command.get_params(context):
        shown = param.get_help_record(context)
        if shown:
            yield from (".TP", rf"\fB{_escaped(shown[0])}\fR", _escaped(shown[1]))


def _table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, said in rows:
        yield from (".TP", rf"\fB{_escaped(name)}\fR", _escaped(said))


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def _escaped(text: str) -> str:
    """Text in which nothing means anything to roff."""
    said = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^(?=[.'])", r"\\&", said, flags=re.MULTILINE)

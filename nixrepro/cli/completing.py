"""What may follow on a command line: verbs, runs, data, packages; asked by a shell at each Tab."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from nixrepro.errors import NixreproError

if TYPE_CHECKING:
    from nixrepro.record import Summary

Completer = Callable[[click.Context, str], list[CompletionItem]]

# More than that nobody reads; who types on gets the others.
_SHOWN = 40
_WIDTH = 100
_NAMES = re.compile(r'^name = "([^"\\]+)"$', re.MULTILINE)


def verbs(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Verbs with what each is for, by the heads of their files: importing all takes long."""
    here = Path(__file__).parent
    found = []
    for name in names:
        if name.startswith(incomplete):
            file = here / f"{name}.py"
            text = _text(file if file.exists() else here / name / "__init__.py")
            found.append(CompletionItem(name, help=_purpose(text)))
    return found


def attach(command: click.Command) -> click.Command:
    """Have a verb's arguments and options complete what they take."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if each := command.get_command(context, name):
                attach(each)
    for param in command.params:
        named = ((verb, param.name or "") for verb in (command.name or "", ""))
        completer = next((_BY_NAME[each] for each in named if each in _BY_NAME), None)
        if completer and type(param.type) in _PLAIN:
            param.shell_complete = _quiet(completer)  # type: ignore[assignment, method-assign]
    return command


def _quiet(completer: Completer) -> Completer:
    """The same, which offers nothing where a file is broken: the verb will say that."""

    def complete(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        try:
            return completer(ctx, incomplete)
        except (NixreproError, OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    return complete


def _runs(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Runs, newest first, with when they began and how they ended; a run's file or folder, too."""
    from nixrepro import record

    found = []
    root = _root(ctx)
    listed: Sequence[Summary] = record.runs(root) if root else ()
    if listed and record.LAST.startswith(incomplete):
        found.append(CompletionItem(record.LAST, help=_said(listed[0])))
    matching = (each for each in listed if each.id.startswith(incomplete.lower()))
    for each, _ in zip(matching, range(_SHOWN), strict=False):
        found.append(CompletionItem(each.id[:12], help=_said(each)))
    return found or [CompletionItem(incomplete, type="file")]


def _said(run: Summary) -> str:
    from nixrepro.cli.output import visible
    from nixrepro.runtime.wording import chief, figure

    when = datetime.fromisoformat(run.started).astimezone()
    name, value = chief(run.metrics)
    result = f", {name} {figure(value)}" if name else ""
    said = f"{when:%Y-%m-%d %H:%M:%S} {run.status}{result}: {' '.join(run.command)}"
    return visible(" ".join(said.split()))[:_WIDTH]


def _parts(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """A run to verify, or with --rebuild what can be built again."""
    if not ctx.params.get("rebuild"):
        return _runs(ctx, incomplete)
    from nixrepro.lock.model import LAYERS

    return _named([*LAYERS, "environment", "run", *_locked(ctx)], incomplete)


def _packages(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return _named(_locked(ctx), incomplete)


def _data(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    root = _root(ctx)
    if root is None:
        return []
    import tomli

    table = tomli.loads(_text(root / "pyproject.toml"))["tool"]["nixrepro"].get("data", {})
    return [
        CompletionItem(name, help=str(entry.get("path") or entry.get("url") or "") or None)
        for name, entry in table.items()
        if name.startswith(incomplete)
    ]


def _kept(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """What a project keeps from the garbage collector."""
    from nixrepro import gc

    root = _root(ctx)
    found = gc.kept(root) if root else []
    return [
        CompletionItem(each.name, help=each.environment)
        for each in found
        if each.name.startswith(incomplete)
    ]


def _files(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(incomplete, type="file")]


def _steps(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    return _named(["steps", "steps:10"], incomplete)


def _named(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _locked(ctx: click.Context) -> Iterator[str]:
    """Names of the packages and wheels in the lock, by its lines: reading it all takes long."""
    root = _root(ctx)
    if root:
        yield from sorted(set(_NAMES.findall(_text(root / "nixrepro.lock"))))


def _root(ctx: click.Context) -> Path | None:
    """The project that the command line is about."""
    from nixrepro.project import find_root

    try:
        return find_root(Path(ctx.find_root().params.get("folder") or os.curdir))
    except (NixreproError, OSError):
        return None


def _purpose(text: str) -> str:
    """What a verb's file says that it is for."""
    try:
        said = ast.get_docstring(ast.parse(text.partition("\n\n")[0])) or ""
    except SyntaxError:
        return ""
    return said.partition(": ")[2].rstrip(".")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


# What completes by itself, such as a path, stays as it is.
_PLAIN = (type(click.STRING), type(click.UNPROCESSED))
# By the verb and the name of its argument or option; without a verb, of all of them.
_BY_NAME: dict[tuple[str, str], Completer] = {
    ("", "run"): _runs,
    ("", "a"): _runs,
    ("", "b"): _runs,
    ("verify", "words"): _parts,
    ("run", "words"): _files,
    ("train", "arguments"): _files,
    ("relaunch", "words"): _files,
    ("lock", "names"): _packages,
    ("fetch", "data"): _data,
    ("add", "name"): _data,
    ("verify", "names"): _data,
    ("gc", "names"): _kept,
    ("", "fingerprint"): _steps,
}

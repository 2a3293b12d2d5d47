"""The pyproject.toml that a project begins with: its own if it has one, and what it had before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nixrepro.config import FILE, Config, parse, sources
from nixrepro.errors import ConfigError
from nixrepro.imports import form
from nixrepro.names import normalise
from nixrepro.project import TABLE
from nixrepro.tables import Document


def project(root: Path, table: str) -> tuple[str, str]:
    """The pyproject.toml to write, and in words what is new about it.

    Args:
        root: the folder.
        table: the tables that it is to get.

    Raises:
        ConfigError: there is one that can't be added to.
    """
    path = root / FILE
    if not path.exists():
        return _proposed(f"{new_project(root)}\n{table}", root), "new"
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it as UTF-8") from error
    _refuse_second(text, path)
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else end if text.endswith("\n") else end * 2
    whole = text + gap + table.replace("\n", end)
    try:
        whole = _proposed(whole, root, end)
    except ConfigError as error:
        hint = error.hint or "correct that first"
        raise ConfigError(f"can't add a table to it: {error.message}", hint=hint) from error
    return whole, "[tool.nixrepro] added at its end"


def new_project(root: Path) -> str:
    """The [project] table that a folder gets which has none."""
    name = normalise(root.absolute().name).strip("-") or "project"
    head = f'[project]\nname = "{name}"\nversion = "0.1.0"\nrequires-python = ">=3.9"\n'
    return f"{head}dependencies = []\n"


def _proposed(text: str, root: Path, end: str = "\n") -> str:
    """A pyproject.toml that names the file of another tool from which versions are taken.

    Raises:
        ConfigError: the text is none.
    """
    found = sources.find(parse(text, root))
    project = f"[{TABLE}.wheels]{end}project = true{end}"
    return text.replace(project, f'{project}from = "{found}"{end}') if found else text


def beside(config: Config) -> Iterator[str]:
    """What is said of the files of other tools in a project's folder."""
    if name := config.wheels.source:
        yield f"{name}: its versions and hashes are taken ([{TABLE}.wheels] from)"
    names = sorted(path.name for path in config.root.iterdir() if path.is_file())
    for other in names:
        if other != name and form(other) in ("Dockerfile", "environment.yml"):
            yield f"{other}: `nixrepro import {other}` shows what it asks for as a [{TABLE}] table"


def _refuse_second(text: str, path: Path) -> None:
    tool = Document(text, str(path), ConfigError).parse().values.get("tool", {})
    if isinstance(tool, dict) and "nixrepro" in tool:
        hint = "`nixrepro init --update` renews flake.nix and nix/, and nothing else"
        raise ConfigError(f"{path} has a [tool.nixrepro] table already", hint=hint)

"""Finds a project's folder; apart from the configuration, since a warm start needs no more."""

from __future__ import annotations

from pathlib import Path

from nixrepro.errors import ConfigError

FILE = "pyproject.toml"
TABLE = "tool.nixrepro"


def find_root(start: Path) -> Path:
    """The nearest folder, from `start` upwards, whose pyproject.toml has a [tool.nixrepro].

    Raises:
        ConfigError: there is none, or one on the way can't be read.
    """
    import tomli

    start = start.absolute()
    if not start.is_dir():
        raise ConfigError(f"there is no folder {start}", hint="name one with -C")
    for folder in (start, *start.parents):
        file = folder / FILE
        if file.is_file():
            try:
                parsed = tomli.loads(read(file))
            except (tomli.TOMLDecodeError, RecursionError):
                return folder  # load() will say what is wrong with it
            tool = parsed.get("tool", {})
            if isinstance(tool, dict) and "nixrepro" in tool:
                return folder
    raise ConfigError(
        f"no {FILE} with a [{TABLE}] table in {start} or above",
        hint="run `nixrepro init` in your project's folder, or name that folder with -C",
    )


def root_or_here(folder: Path) -> Path:
    """The project at or above a folder, or the folder itself where there is none.

    Raises:
        ConfigError: there is no such folder.
    """
    try:
        return find_root(folder)
    except ConfigError:
        if not folder.is_dir():
            raise
        return folder.absolute()


def read(file: Path) -> str:
    """The text of a pyproject.toml.

    Raises:
        ConfigError: it is missing, unreadable or not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {file}", hint="run `nixrepro init` there") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"can't read {file}: {error.strerror}") from error

"""Finds and reads a project's pyproject.toml, and checks the files that it names."""

from __future__ import annotations

from pathlib import Path

from nixrepro.config.model import Config
from nixrepro.config.reader import FILE, TABLE, parse
from nixrepro.errors import ConfigError
from nixrepro.tables import Document


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
                parsed = tomli.loads(_text(file))
            except (tomli.TOMLDecodeError, RecursionError):
                return folder  # load() will say what is wrong with it
            tool = parsed.get("tool", {})
            if isinstance(tool, dict) and "nixrepro" in tool:
                return folder
    raise ConfigError(
        f"no {FILE} with a [{TABLE}] table in {start} or above",
        hint="run `nixrepro init` in your project's folder, or name that folder with -C",
    )


def load(root: Path) -> Config:
    """Read the pyproject.toml in a folder.

    Raises:
        ConfigError: it is missing, unreadable, not TOML, or says something that can't be used.
    """
    return parse(_text(root / FILE), root)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"there is no {file}", hint="run `nixrepro init` there") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text", hint="save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"can't read {file}: {error.strerror}") from error


def check_files(config: Config) -> None:
    """Check that each data file that can come from nowhere else is there.

    Raises:
        ConfigError: with the key's full name and line.
    """
    for data in config.data:
        if (
            data.path
            and not data.url
            and not data.optional
            and not (config.root / data.path).is_file()
        ):
            table = Document(_text(config.root / FILE), FILE, ConfigError).parse()
            place = table.table("tool").table("nixrepro").table("data").table(data.name)
            hint = "put the file there, give its url, or set optional = true"
            place.fail("path", f"names a file that is not there: {data.path!r}", hint)

"""Reads a project's pyproject.toml, and checks the files that it names."""

from __future__ import annotations

from pathlib import Path

from nixrepro.config.model import Config
from nixrepro.config.reader import parse
from nixrepro.errors import ConfigError
from nixrepro.project import FILE, read
from nixrepro.tables import Document


def load(root: Path) -> Config:
    """Read the pyproject.toml in a folder.

    Raises:
        ConfigError: it is missing, unreadable, not TOML, or says something that can't be used.
    """
    return parse(read(root / FILE), root)


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
            table = Document(read(config.root / FILE), FILE, ConfigError).parse()
            place = table.table("tool").table("nixrepro").table("data").table(data.name)
            hint = "put the file there, give its url, or set optional = true"
            place.fail("path", f"names a file that is not there: {data.path!r}", hint)

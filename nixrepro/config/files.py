"""Reads a project's pyproject.toml, and checks the files that it names."""

from __future__ import annotations

from pathlib import Path

from nixrepro.config import sources
from nixrepro.config.model import Config
from nixrepro.config.reader import parse
from nixrepro.errors import ConfigError
from nixrepro.project import FILE, read
from nixrepro.runtime import cpu
from nixrepro.tables import Document


def load(root: Path) -> Config:
    """Read the pyproject.toml in a folder.

    Raises:
        ConfigError: it is missing, unreadable, not TOML, or says something that can't be used.
        ImportFileError: the file of another tool that is read with it can't be.
    """
    config = parse(read(root / FILE), root)
    if config.numerics.table:
        _check_table(config)
    return sources.complete(config)


def _check_table(config: Config) -> None:
    """See that the CPU's table is there and is one.

    Raises:
        ConfigError: with the key's full name and line, or the table's own line.
    """
    name = config.numerics.table
    tool = Document(read(config.root / FILE), FILE, ConfigError).parse().table("tool")
    place = tool.table("nixrepro").table("numerics")
    try:
        text = (config.root / name).read_text(encoding="utf-8")
        cpu.parse(text)
    except FileNotFoundError:
        hint = "`nixrepro show RUN --cpu` prints that of a run's machine"
        place.fail("cpu", f"names a file that is not there: {name!r}", hint)
    except UnicodeDecodeError:
        place.fail("cpu", f"names a file that is no text: {name!r}")
    except OSError as error:
        place.fail("cpu", f"names a file that can't be read: {name!r}: {error.strerror}")
    except ValueError as error:
        hint = "a line is leaf, subleaf or *, then eax, ebx, ecx and edx, in hexadecimal"
        place.fail("cpu", f"names no table of a CPU: {name}:{error.args[0]}", hint)


def check_files(config: Config) -> None:
    """Check that each data file that can come from nowhere else is there, and nothing is left out.

    Raises:
        ConfigError: with the key's full name and line.
        ImportFileError: what another tool's file asks for can't be locked.
    """
    sources.check(config)
    for data in config.data:
        if (
            data.store
            and not data.url
            and not data.optional
            and not (config.root / data.path).exists()
        ):
            table = Document(read(config.root / FILE), FILE, ConfigError).parse()
            place = table.table("tool").table("nixrepro").table("data").table(data.name)
            hint = "put the file there, give its url, or set optional = true"
            place.fail("path", f"names a file that is not there: {data.path!r}", hint)

"""pip's settings: its configuration files, then its PIP_* variables, as pip reads them."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nixrepro.errors import ConfigError

_SECTIONS = ("global", "download", "install")
_TRUE = ("1", "true", "yes", "on", "y", "t")


@dataclass(frozen=True)
class PipSettings:
    """What pip was told; empty where it was told nothing. Lists are in pip's order."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    cert: str = ""
    proxy: str = ""


def files(environ: Mapping[str, str], prefix: str = sys.prefix) -> list[Path]:
    """pip's configuration files, the weakest first; not all need exist."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    found = [Path(folder) / "pip" / "pip.conf" for folder in shared.split(":") if folder]
    found.append(Path("/etc/pip.conf"))
    found.append(home / ".pip" / "pip.conf")
    own = environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    found.append(Path(own) / "pip" / "pip.conf")
    found.append(Path(prefix) / "pip.conf")
    return [*found, Path(named)] if named else found


def read(paths: Iterable[Path], environ: Mapping[str, str]) -> PipSettings:
    """The settings that hold after all files and variables.

    Raises:
        ConfigError: a file is there and can't be read.
    """
    values: dict[str, str] = {}
    for path in paths:
        values.update(_file(path))
    for key in ("index-url", "extra-index-url", "find-links", "no-index", "cert", "proxy"):
        variable = "PIP_" + key.upper().replace("-", "_")
        if environ.get(variable):
            values[key] = environ[variable]
    return PipSettings(
        index_url=values.get("index-url", "").strip(),
        extra_index_urls=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(values.get("find-links", "").split()),
        no_index=values.get("no-index", "").strip().lower() in _TRUE,
        cert=values.get("cert", "").strip(),
        proxy=values.get("proxy", "").strip(),
    )


def _file(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (configparser.Error, UnicodeDecodeError) as error:
        raise ConfigError(
            f"pip's configuration {path} can't be read: {error}", hint=f"correct {path}"
        ) from error
    return {
        key.lower().replace("_", "-"): value
        for section in _SECTIONS
        if parser.has_section(section)
        for key, value in parser.items(section)
    }

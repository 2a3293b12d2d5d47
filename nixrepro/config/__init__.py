"""What a project asks for: the `[tool.nixrepro]` part of its pyproject.toml."""

from nixrepro.config.asked import question
from nixrepro.config.files import check_files, load
from nixrepro.config.model import Base, Config, Data, Numerics, Settings, Train, Wheels
from nixrepro.config.reader import parse
from nixrepro.config.sources import candidates, notes
from nixrepro.project import FILE, find_root

__all__ = [
    "FILE",
    "Base",
    "Config",
    "Data",
    "Numerics",
    "Settings",
    "Train",
    "Wheels",
    "candidates",
    "check_files",
    "find_root",
    "load",
    "notes",
    "parse",
    "question",
]

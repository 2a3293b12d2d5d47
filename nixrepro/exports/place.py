"""Where an exported file may be put."""

from __future__ import annotations

from pathlib import Path

from nixrepro.config import Config
from nixrepro.errors import ConfigError


def check_place(output: Path, config: Config) -> None:
    """See that a file may be written there.

    Raises:
        ConfigError: its folder is not there, or it is what the lock is made from.
    """
    if not output.parent.is_dir():
        raise ConfigError(f"there is no folder {output.parent}", hint="make it first")
    made_from = filter(None, (config.wheels.source, *config.wheels.files))
    if output.resolve() in {(config.root / name).resolve() for name in made_from}:
        raise ConfigError(
            f"{output} is what the lock is made from, and can't be made from the lock",
            hint="give another name with -o",
        )

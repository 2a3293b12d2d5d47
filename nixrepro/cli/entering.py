"""From a folder to its project's environment: the one way that run, train and shell share."""

from __future__ import annotations

from pathlib import Path

from nixrepro.nix import Nix
from nixrepro.realise import Environment, realise


def enter(folder: Path) -> tuple[Path, Environment]:
    """The project's folder and its environment, realised if it isn't yet.

    Raises:
        NixreproError: the project, its lock, an artefact or Nix is not as it must be.
    """
    from nixrepro import config as configs

    root = configs.find_root(folder)
    nix = Nix()
    return root, realise(root, nix, lambda: _prepare(root, nix))


def _prepare(root: Path, nix: Nix) -> None:
    """See that the lock answers the configuration, and fetch what it names."""
    from nixrepro import config as configs
    from nixrepro import lock as locks
    from nixrepro.cli.output import say
    from nixrepro.errors import LockError
    from nixrepro.fetch import bring

    config = configs.load(root)
    lock = locks.load(root / locks.FILE)
    if locks.compare(lock, config):
        raise LockError(
            f"{locks.FILE} does not answer {configs.FILE} any more",
            hint="run `nixrepro lock`; `nixrepro lock --check` shows what differs",
        )
    bring(config, lock, nix, data=frozenset())
    say("nixrepro: realising the environment")

"""From a folder to its project's environment: the one way that run, train and shell share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.memory import Environment, recall

if TYPE_CHECKING:
    from nixrepro.nix import Nix

_WAITING = "another nixrepro realises the environment of this project: waiting for it"


def enter(folder: Path) -> tuple[Path, Environment]:
    """The project's folder and its environment, realised if it isn't yet.

    Raises:
        NixreproError: the project, its lock, an artefact or Nix is not as it must be.
    """
    known = recall(str(folder.absolute()))
    if known:
        return Path(known[0]), known[1]
    from nixrepro.cli.output import say
    from nixrepro.nix import Nix
    from nixrepro.project import find_root
    from nixrepro.realise import realise

    root, nix = find_root(folder), Nix()
    return root, realise(root, nix, lambda: _prepare(root, nix), lambda: say(_WAITING))


def _prepare(root: Path, nix: Nix) -> None:
    """See that all files are there and the lock answers them, and fetch what it names."""
    from nixrepro import config as configs
    from nixrepro import git
    from nixrepro import lock as locks
    from nixrepro.cli.output import say
    from nixrepro.errors import LockError
    from nixrepro.fetch import bring
    from nixrepro.realise import check, read_by_flake

    config = configs.load(root)
    lock = locks.load(root / locks.FILE)
    if locks.compare(lock, config):
        raise LockError(
            f"{locks.FILE} does not answer {config.asks} any more",
            hint="run `nixrepro lock`; `nixrepro lock --check` shows what differs",
        )
    check(root)
    hidden = git.unknown(root, read_by_flake(root))
    if hidden and git.intend_to_add(root, hidden):
        some = ", ".join(dict.fromkeys(path.split("/")[0] for path in hidden))
        say(f"git: knows {some} now (`git add --intent-to-add`), or Nix would not see it")
    bring(config, lock, nix)
    say("nixrepro: realising the environment")

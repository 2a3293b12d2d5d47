"""Whether Nix complains of a file that is there, but that git does not know."""

from __future__ import annotations

import re
from pathlib import Path

from nixrepro import flake_lock, git
from nixrepro.errors import NixreproError
from nixrepro.nix import Nix
from nixrepro.realise import read_by_flake

_MISSING = re.compile(r"No such file|does not exist|does not contain|not tracked by [Gg]it")


def unseen(root: Path, nix: Nix, error: NixreproError) -> str:
    """Why a flake could not be read, where that is for want of a `git add`; else an empty text.

    Args:
        root: the project's folder.
        nix: the Nix that read it.
        error: what came of that.
    """
    if not error.details or not nix.by_git(root):
        return ""
    hidden = []
    for name in read_by_flake(root):
        files = git.unknown(root, [name])
        hidden += files if len(files) <= 1 else [name]
    # Without flake.lock it is a network that Nix lacks.
    if not hidden or not (_MISSING.search(error.details) or flake_lock.FILE in hidden):
        return ""
    names = " ".join(hidden)
    return f"git does not know {names}, and Nix sees only what git knows: `git add {names}`"

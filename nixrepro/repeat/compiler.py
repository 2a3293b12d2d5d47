"""Makes the virtual CPU of a tree whose own lock has no compiler, with the gcc of another lock."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro.errors import BuildError
from nixrepro.fetch import bring

if TYPE_CHECKING:
    from nixrepro.nix import Nix


def vcpu(project: Path, compiler: str, nix: Nix) -> str:
    """Build `vcpu` in a repetition's tree, which has its own lock again afterwards.

    Args:
        project: the project in the tree.
        compiler: the text of the lock to take gcc from.
        nix: the Nix to build with.

    Returns:
        Its store path.

    Raises:
        NixreproError: it can't be built, or an artefact of its compiler not be had.
    """
    with _laid(project / locks.FILE, compiler):
        try:
            return nix.build(project, "vcpu")
        except BuildError:
            lock = locks.parse(compiler)
            kept = tuple(each for each in lock.artefacts if each.layer == "system")
            bring(configs.load(project), dataclasses.replace(lock, artefacts=kept), nix)
            return nix.build(project, "vcpu")


@contextmanager
def _laid(path: Path, text: str) -> Iterator[None]:
    before = path.read_bytes()
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(before)

"""What the packages of two locks demand of each other, from files that may have to be fetched."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro import config as configs
from nixrepro import mixing
from nixrepro.errors import FetchError, NixError, NixreproError
from nixrepro.explain.model import said
from nixrepro.explain.packages import Packages, packages
from nixrepro.explain.sides import Side
from nixrepro.lock import Artefact, store_name
from nixrepro.mixing.stated import Stated, own
from nixrepro.names import counted

if TYPE_CHECKING:
    from nixrepro.nix import Nix


def learn(
    root: Path, a: Side, b: Side, nix: Nix, say: Callable[[str], None], *, fetch: bool
) -> tuple[Packages, str]:
    """What the locks of two runs differ in, and what of it moves together.

    Which packages hold together is read from their files. Those that the store has no more are
    fetched by their hashes, as `nixrepro fetch` does it.

    Args:
        root: the project's folder.
        a: the first run.
        b: the second run.
        nix: the Nix whose store has the files.
        say: tells the person what is done.
        fetch: whether files may be fetched.

    Returns:
        The differences, and what is to be said where some are known by their locks alone.

    Raises:
        NixError: there is no usable Nix.
    """
    absent: dict[str, Artefact] = {}
    read = mixing.reader(_place(nix), tuple(side.lock.python for side in (a, b) if side.lock))

    def stated(artefact: Artefact) -> Stated:
        try:
            return read(artefact)
        except FetchError:
            absent[artefact.sha256] = artefact
            return own(artefact)

    tried: set[str] = set()
    reason = "their files are not in the store, and without a trial nothing is fetched"
    while True:
        absent.clear()
        found = packages(a, b, stated)
        new = absent.keys() - tried
        if not new or not fetch:
            break
        # What a file says may lead to others that were not asked for before.
        tried |= new
        say(f"nixrepro: fetching {counted(len(new), 'file')} that the store has no more")
        reason = _bring(root, (a, b), new, nix) or "their files can't be read"
    if not absent:
        return found, ""
    names = said(sorted({artefact.name for artefact in absent.values()}))
    return found, f"what these need is known by the locks alone ({names}): {reason}"


def _place(nix: Nix) -> Callable[[Artefact], Path]:
    def place(artefact: Artefact) -> Path:
        return Path(nix.store_path(store_name(artefact.file), artefact.sha256))

    return place


def _bring(root: Path, sides: tuple[Side, ...], wanted: Collection[str], nix: Nix) -> str:
    """Fetch files of the sides' locks by their SHA-256; why some can't be had."""
    from nixrepro.fetch import bring

    reasons = []
    for side in sides:
        lock = side.lock
        kept = tuple(each for each in lock.artefacts if each.sha256 in wanted) if lock else ()
        if lock is None or not kept:
            continue
        try:
            bring(configs.parse(side.project, root), replace(lock, artefacts=kept), nix)
        except NixError:
            raise
        except NixreproError as error:
            reasons.append(error.message)
    return "; ".join(dict.fromkeys(reasons))

"""Asks binary caches for a recorded environment, before it would be built from its artefacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.errors import BuildError, RunError
from nixrepro.names import URL

if TYPE_CHECKING:
    from nixrepro.nix import Nix

# What a run needs beside its environment; `shell` is made of these.
WANTED = ("environment", "facts", "settings")


def ask(
    project: Path,
    path: str,
    nix: Nix,
    urls: Sequence[str],
    configured: bool,
    say: Callable[[str], None],
) -> None:
    """Take an environment from caches, as far as they have it; Nix asks for their signatures.

    Args:
        project: the project in the repetition's tree.
        path: the store path of the environment.
        nix: the Nix that takes it.
        urls: of caches.
        configured: whether to ask those of Nix's configuration too.
        say: tells the person what is done.

    Raises:
        RunError: what is given is no URL of a cache.
    """
    from nixrepro.nix_store import Store

    for url in urls:
        if not URL.fullmatch(url) and not url.startswith(("s3://", "ssh://", "ssh-ng://")):
            raise RunError(f"{url!r} is no URL of a binary cache", hint="such as https://...")
    store = Store.of(nix)
    if not store.valid([path]):
        say("nixrepro: asking binary caches for the environment")
    try:
        outputs = store.outputs(project)
        paths = [outputs[name].path for name in WANTED if name in outputs]
    except BuildError:
        paths = []
    lacking = sorted({path, *paths} - store.valid([path, *paths]))
    if lacking:
        done = store.substitute(lacking, urls, configured)
        if path not in store.valid([path]):
            last = done.stderr.strip().splitlines()[-1:] or ["they do not have it"]
            say(f"nixrepro: the caches gave no environment, so it is built here: {last[0]}")

"""Looks at a machine: the facts that the checks are about, each by the part that knows it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from nixrepro.doctor import machine, project, sources
from nixrepro.doctor.model import Facts, NixFacts, Place
from nixrepro.errors import NixError, NixreproError
from nixrepro.nix_settings import Settings
from nixrepro.process import Runner, run
from nixrepro.runtime import gpu

T = TypeVar("T")

_STORE = Path("/nix/store")


def gather(
    folder: Path,
    environ: Mapping[str, str],
    *,
    network: bool = False,
    runner: Runner = run,
    root: Path = Path("/"),
) -> Facts:
    """All facts; what can't be known says why, and nothing is changed.

    Args:
        folder: in a project, or anywhere.
        environ: the variables.
        network: whether to ask the servers.
        runner: how programs are started.
        root: where etc, proc and sys are.
    """
    found = project.find(folder)
    config = project.configured(found)
    return Facts(
        user=machine.user(),
        system=machine.system(root),
        nix=nix_facts(Settings(runner), root),
        tools={"git": machine.git_version(runner), "uv": machine.uv_version(runner)},
        servers=tuple(sources.servers(found or folder, config, environ, network=network)),
        keys=sources.keys(),
        gpu=gpu.facts(str(root)),
        places=tuple(_places(found, environ)),
        project=project.facts(found, config, environ),
        terminal={
            "encoding": sys.stdout.encoding or "",
            "columns": shutil.get_terminal_size().columns,
            "tty": sys.stdout.isatty(),
        },
    )


def nix_facts(nix: Settings, root: Path) -> NixFacts:
    """What Nix says of itself."""
    systemd = (root / "run/systemd/system").is_dir()
    try:
        version = nix.version()
    except NixError as error:
        return NixFacts(problem=error.message, systemd=systemd)
    try:
        store = nix.store_url()
    except NixError as error:
        said = error.details.strip().split("\n")[-1].removeprefix("error: ") or error.message
        return NixFacts(version=version, store_problem=said, systemd=systemd)
    return NixFacts(
        version=version,
        store=store,
        settings=_or(nix.settings, {}),
        group=machine.members("nixbld"),
        systemd=systemd,
    )


def _places(found: Path | None, environ: Mapping[str, str]) -> Iterator[Place]:
    from nixrepro import cache

    yield _place("store", _STORE, None)
    yield _place("cache", cache.folder("", environ), True)
    yield _place("temporary", Path(environ.get("TMPDIR") or "/tmp"), True)
    if found:
        yield _place("records", found / ".nixrepro", True)


def _place(name: str, path: Path, own: bool | None) -> Place:
    """The folder, or the nearest one above it that is there."""
    # Path.exists raises where it may not be looked at, as in another user's home.
    while not os.path.exists(path) and path != path.parent:
        path = path.parent
    about = os.statvfs(path)
    writable = os.access(path, os.W_OK) if own else None
    return Place(name, str(path), about.f_bavail * about.f_frsize, writable)


def _or(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except NixreproError:
        return otherwise

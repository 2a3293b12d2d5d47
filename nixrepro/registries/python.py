"""Python package indexes as uv and pip are configured; uv knows the default one, we do not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nixrepro.registries import pip
from nixrepro.urls import is_remote
from nixrepro.uv import Uv


@dataclass(frozen=True)
class Registries:
    """Where Python distributions come from.

    Args:
        indexes: Simple API URLs, in the order to ask them.
        find_links: folders, or URLs of pages, that list files.
        arguments: what uv must be told so that it uses these.
        cert: file of CA certificates, or "".
        proxy: URL of a proxy, or "".
    """

    indexes: tuple[str, ...]
    find_links: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    cert: str = ""
    proxy: str = ""


def load(root: Path, environ: Mapping[str, str] | None = None) -> Registries:
    """The registries of this person, in this project.

    uv's own configuration comes first; where it says nothing about indexes, pip's is used.

    Args:
        root: the project, whose uv configuration holds too.
        environ: the variables; None for this process's.

    Raises:
        ConfigError: a configuration file can't be read.
    """
    variables = os.environ if environ is None else environ
    settings = pip.read(pip.files(variables), variables)
    uv = Uv(root, cert=settings.cert)
    asked = uv.indexes(environ=variables)
    arguments: tuple[str, ...] = ()
    if asked == uv.indexes("--no-config", environ=_without_uv(variables)):
        arguments = _as_uv(settings, variables, root)
        if arguments:
            asked = Uv(root, arguments, cert=settings.cert).indexes(environ=variables)
    return Registries(*_parse(asked), arguments, settings.cert, settings.proxy)


def _parse(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    default: list[str] = []
    extra: list[str] = []
    links: list[str] = []
    places = {"--index-url": default, "--extra-index-url": extra, "--find-links": links}
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key in places and value:
            places[key].append(value.strip())
    return (*extra, *default), tuple(links)


def _without_uv(environ: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in environ.items() if not key.startswith("UV_")}


def _as_uv(settings: pip.PipSettings, environ: Mapping[str, str], root: Path) -> tuple[str, ...]:
    arguments: list[str] = []
    if settings.no_index:
        arguments.append("--no-index")
    elif settings.index_url:
        arguments += ["--default-index", settings.index_url]
    if not settings.no_index:
        for url in settings.extra_index_urls:
            arguments += ["--index", url]
    for place in settings.find_links:
        # pip passes over a folder that is not there; uv would stop.
        if is_remote(place) or (root / place.removeprefix("file://")).exists():
            arguments += ["--find-links", place]
    if settings.extra_index_urls and not environ.get("UV_INDEX_STRATEGY"):
        # pip takes the best version that any of its indexes has.
        arguments += ["--index-strategy", "unsafe-best-match"]
    return tuple(arguments)

"""The data layer: what the project declares, checked against its local copies."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nixrepro.config import Config, Data, question
from nixrepro.errors import ConfigError
from nixrepro.lock import Artefact, Lock

_CHUNK = 1 << 20


def resolve_data(config: Config, keep: Lock | None) -> tuple[Artefact, ...]:
    """One artefact for each data entry; those whose declaration stayed are kept unread.

    The size of a file that has no local copy and states none is 0, for unknown.

    Raises:
        ConfigError: a local copy is not what its sha256 or size says, or can't be read.
    """
    kept = {item.name: item for item in keep.artefacts if item.layer == "data"} if keep else {}
    before = keep.question.get("data", {}) if keep else {}
    now = question(config)["data"]
    return tuple(
        kept[data.name]
        if data.name in kept and before.get(data.name) == now[data.name]
        else _artefact(config.root, data)
        for data in config.data
    )


def _artefact(root: Path, data: Data) -> Artefact:
    size = data.size or 0
    if data.path and (root / data.path).is_file():
        size = _checked_size(root, data)
    return Artefact(
        layer="data",
        name=data.name,
        version="",
        kind="file",
        role="",
        file=_file_name(data),
        size=size,
        sha256=data.sha256,
        archive="",
        location="",
        url=data.url,
        path=data.path,
        optional=data.optional,
    )


def _file_name(data: Data) -> str:
    """The base name as published, with what no artefact's name may hold replaced."""
    published = unquote(urlsplit(data.url).path) if data.url else data.path
    name = re.sub(r"[^A-Za-z0-9+._~%!-]", "_", published.rpartition("/")[2])[-200:]
    return name if re.match(r"[A-Za-z0-9_]", name) else f"_{name}"


def _checked_size(root: Path, data: Data) -> int:
    key, path = f"tool.nixrepro.data.{data.name}", root / data.path
    hashed, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                hashed.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise ConfigError(f"{key}.path: can't read {path}: {error.strerror}") from error
    if hashed.hexdigest() != data.sha256:
        raise ConfigError(
            f"{key}: {data.path} has sha256 {hashed.hexdigest()}, not {data.sha256}",
            hint="put the right file there, or state this file's sha256 if it is the one you mean",
        )
    if data.size is not None and size != data.size:
        raise ConfigError(f"{key}: {data.path} has {size} bytes, not {data.size}")
    return size

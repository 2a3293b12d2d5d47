"""The data layer: what the project declares for the store, checked against its local copies."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nixrepro.config import Config, Data, question
from nixrepro.errors import ConfigError
from nixrepro.lock import Artefact, Lock
from nixrepro.runtime.datasets import Unreadable
from nixrepro.runtime.datasets.digesting import Found, digest


def resolve_data(config: Config, keep: Lock | None) -> tuple[Artefact, ...]:
    """One artefact for each data entry of the store; those that stayed are kept unread.

    The size of a file that has no local copy and states none is 0, for unknown.

    Raises:
        ConfigError: a local copy is not what its digest or size says, or can't be read.
    """
    kept = {item.name: item for item in keep.artefacts if item.layer == "data"} if keep else {}
    before = keep.question.get("data", {}) if keep else {}
    now = question(config)["data"]
    return tuple(
        kept[data.name]
        if data.name in kept and before.get(data.name) == now[data.name]
        else _artefact(config.root, data)
        for data in config.data
        if not data.reference
    )


def _artefact(root: Path, data: Data) -> Artefact:
    sha256, size = data.sha256, data.size or 0
    if data.digest:
        sha256, size = _archived(root, data)
    elif data.path and (root / data.path).is_file():
        size = _checked_size(root, data)
    return Artefact(
        layer="data",
        name=data.name,
        version="",
        kind="folder" if data.digest else "file",
        role="",
        file=file_name(data.url or data.path),
        size=size,
        sha256=sha256,
        archive="",
        location="",
        url=data.url,
        path=data.path,
        optional=data.optional,
        digest=data.digest,
    )


def file_name(published: str) -> str:
    """The base name of a URL or path as published, with what no artefact may hold replaced."""
    if "://" in published:
        published = unquote(urlsplit(published).path)
    name = re.sub(r"[^A-Za-z0-9+._~%!-]", "_", published.rpartition("/")[2])[-200:]
    return name if re.match(r"[A-Za-z0-9_]", name) else f"_{name}"


def _checked_size(root: Path, data: Data) -> int:
    found = _found(root, data)
    if found.digest != data.pin:
        key = f"tool.nixrepro.data.{data.name}"
        raise ConfigError(
            f"{key}: {data.path} has sha256 {found.digest.partition(':')[2]}, not {data.sha256}",
            hint="put the right file there, or state this file's sha256 if it is the one you mean",
        )
    if data.size is not None and found.size != data.size:
        key = f"tool.nixrepro.data.{data.name}"
        raise ConfigError(f"{key}: {data.path} has {found.size} bytes, not {data.size}")
    return found.size


def _found(root: Path, data: Data) -> Found:
    key, path = f"tool.nixrepro.data.{data.name}", root / data.path
    try:
        return digest(str(path).encode(errors="surrogateescape"), str(root), afresh=True)
    except Unreadable as error:
        raise ConfigError(f"{key}.path: can't read {path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{key}.path: can't read {path}: {error.strerror}") from error


def _archived(root: Path, data: Data) -> tuple[str, int]:
    """Of a folder the SHA-256 of its archive as Nix makes it, and that one's size."""
    from nixrepro.base32 import decode
    from nixrepro.nar import hash_path

    key, path = f"tool.nixrepro.data.{data.name}", root / data.path
    found = _found(root, data)
    if found.digest != data.digest:
        raise ConfigError(
            f"{key}: {data.path} has digest {found.digest}, not {data.digest}",
            hint=f"put the right folder there, or pin this one: nixrepro data add {data.name} "
            "--update",
        )
    _refuse_links(path, key)
    hashed = hash_path(path.resolve())
    return decode(hashed.nar_hash.removeprefix("sha256:")).hex(), hashed.nar_size


def _refuse_links(path: Path, key: str) -> None:
    """In the store a link that leads out of the folder would lead to nothing of it.

    Raises:
        ConfigError: there is one.
    """
    top = path.resolve()
    for each in path.rglob("*"):
        if each.is_symlink() and (each.readlink().is_absolute() or not _within(each, top)):
            raise ConfigError(
                f"{key}: {each} is a link that leads out of the folder",
                hint="put the file there itself: the store keeps links as they are",
            )


def _within(link: Path, top: Path) -> bool:
    return link.resolve().is_relative_to(top)

"""Writes a bundle, as a tar or a folder: the same bytes each time, whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from nixrepro.bundle.manifest import NAME
from nixrepro.bundle.sources import BLOCK, Checked, Progress, Source
from nixrepro.errors import NixreproError

_PACKED = (".gz", ".tgz", ".xz", ".zst", ".bz2", ".zip", ".nar")


def check_target(target: Path) -> None:
    """See that a bundle can be written there, before anything slow is done.

    Raises:
        NixreproError: the folder has something in it, or the name is that of another kind of file.
    """
    if target.suffix in _PACKED:
        raise NixreproError(
            f"{target}: a bundle is a plain tar or a folder",
            hint="give it a name that ends in .tar: nearly all in it is compressed already",
        )
    if target.name.endswith(".tar"):
        there = target.is_dir()
    else:
        there = os.path.lexists(target) and not (target.is_dir() and not any(target.iterdir()))
    if there:
        raise NixreproError(f"{target} is there already", hint="name another one, or remove it")


def write(target: Path, manifest: bytes, sources: Mapping[str, Source], progress: Progress) -> None:
    """Write a bundle in one step; a crash leaves the old one, or nothing.

    Args:
        target: a file whose name ends in .tar, or a folder that is not there or is empty.
        manifest: its bytes.
        sources: the members, by name.
        progress: told of the bytes.

    Raises:
        NixreproError: a file is not what it should be any more, or the folder has something in it.
        OSError: it can't be written.
    """
    progress.start(sum(each.member.size for each in sources.values()))
    try:
        if target.name.endswith(".tar"):
            _tar(target, manifest, sources, progress)
        else:
            _folder(target, manifest, sources, progress)
    finally:
        progress.done()


def _tar(target: Path, manifest: bytes, sources: Mapping[str, Source], progress: Progress) -> None:
    with _part(target) as part, open(part, "r+b") as stream:
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar:
            tar.addfile(_entry(NAME, len(manifest)), io.BytesIO(manifest))
            for name, source in sorted(sources.items()):
                with Checked(source, progress) as reader:
                    tar.addfile(_entry(name, source.member.size), reader)
        stream.flush()
        os.fsync(stream.fileno())
        os.replace(part, target)


def _folder(
    target: Path, manifest: bytes, sources: Mapping[str, Source], progress: Progress
) -> None:
    with _part(target, folder=True) as part:
        for name, source in sorted(sources.items()):
            with Checked(source, progress) as reader:
                _put(part / name, cast(IO[bytes], reader))
        _put(part / NAME, io.BytesIO(manifest))
        os.replace(part, target)


def _put(path: Path, reader: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as stream:
        shutil.copyfileobj(reader, stream, BLOCK)
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _part(target: Path, folder: bool = False) -> Iterator[Path]:
    """A hidden name beside the target; what killed writers of it left goes."""
    target = target.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    for old in target.parent.glob(f".{target.name}.*.part"):
        _let_go(old)
    part = target.parent / f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}.part"
    if folder:
        part.mkdir()
    handle = os.open(part, os.O_RDONLY if folder else os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield part
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
            error.filename = str(target)  # a full disk says no name
        raise
    finally:
        os.close(handle)
        if os.path.lexists(part):
            _remove(part)


def _let_go(part: Path) -> None:
    """Remove a part that nobody writes any more."""
    try:
        handle = os.open(part, os.O_RDONLY)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(part)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """A member that says nothing of this machine, its user or the time."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o644, 0
    return entry

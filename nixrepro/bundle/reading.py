"""Opens a bundle, a tar or a folder, and gives of it only what its manifest says is there."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nixrepro.bundle import manifest as manifests
from nixrepro.bundle.manifest import NAME, BrokenBundle, Manifest
from nixrepro.bundle.sources import BLOCK, Progress


@dataclass(frozen=True)
class Bundle:
    """An opened bundle.

    Args:
        path: its file or folder.
        manifest: what is in it.
        places: of a tar, where each member's bytes begin; empty for a folder.
    """

    path: Path
    manifest: Manifest
    places: dict[str, int]

    def blocks(self, name: str) -> Iterator[bytes]:
        """A member's bytes, refused at the end where they are not those of the manifest.

        Raises:
            BrokenBundle: they are not; what was given is to be thrown away.
        """
        known = self.manifest.members[name]
        digest, left = hashlib.sha256(), known.size
        with open(self.path if self.places else self.path / name, "rb") as stream:
            stream.seek(self.places.get(name, 0))
            while left and (block := stream.read(min(BLOCK, left))):
                left -= len(block)
                digest.update(block)
                yield block
        if left or digest.hexdigest() != known.sha256:
            raise BrokenBundle(
                f"{self.path}: {name} is damaged: its SHA-256 is not {known.sha256}",
                hint="copy it again from where it was made",
            )

    def text(self, name: str) -> str:
        """A small member's text.

        Raises:
            BrokenBundle: it is not there, damaged, or no text.
        """
        if name not in self.manifest.members:
            raise BrokenBundle(f"{self.path} has no {name}")
        try:
            return b"".join(self.blocks(name)).decode()
        except UnicodeDecodeError as error:
            raise BrokenBundle(f"{self.path}: {name} is no text") from error

    def names(self, folder: str) -> list[str]:
        """Members below a folder, sorted."""
        return sorted(name for name in self.manifest.members if name.startswith(folder))

    def extract(self, name: str, target: Path) -> None:
        """Write a member to a file, which is new.

        Raises:
            BrokenBundle: it is damaged.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as stream:
            for block in self.blocks(name):
                stream.write(block)

    def check(self, progress: Progress) -> None:
        """Read all of it once.

        Raises:
            BrokenBundle: a member is damaged.
        """
        progress.start(sum(each.size for each in self.manifest.members.values()))
        try:
            for name in sorted(self.manifest.members):
                for block in self.blocks(name):
                    progress.advance(len(block))
        finally:
            progress.done()


def open_bundle(path: Path) -> Bundle:
    """Open a bundle; its members are as many and as large as its manifest says, and plain files.

    Raises:
        BrokenBundle: they are not.
        OSError: it can't be read.
    """
    manifest, places, sizes = _of_folder(path) if path.is_dir() else _of_tar(path)
    known = {name: member.size for name, member in manifest.members.items()}
    for name in sorted(known.keys() | sizes.keys()):
        if name not in known:
            raise BrokenBundle(f"{path} has {name!r}, of which its manifest says nothing")
        if name not in sizes:
            raise BrokenBundle(f"{path} lacks {name}", hint="copy it again")
        if sizes[name] != known[name]:
            raise BrokenBundle(f"{path}: {name} has {sizes[name]} bytes, not {known[name]}")
    return Bundle(path, manifest, places)


def _of_tar(path: Path) -> tuple[Manifest, dict[str, int], dict[str, int]]:
    places: dict[str, int] = {}
    sizes: dict[str, int] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                if not entry.isreg() or entry.issparse():
                    raise BrokenBundle(f"{path} has {entry.name!r}, which is no plain file")
                if entry.name in sizes or (manifest is not None and entry.name == NAME):
                    raise BrokenBundle(f"{path} has {entry.name!r} twice")
                if manifest is None:
                    manifest = _first(path, tar, entry)
                    continue
                places[entry.name], sizes[entry.name] = entry.offset_data, entry.size
    except tarfile.TarError as error:
        raise BrokenBundle(f"{path} is no whole tar file: {error}", hint="copy it again") from error
    if manifest is None:
        raise BrokenBundle(f"{path} is empty")
    total = os.path.getsize(path)
    if any(place + sizes[name] > total for name, place in places.items()):
        raise BrokenBundle(f"{path} is cut off", hint="copy it again")
    return manifest, places, sizes


def _first(path: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo) -> Manifest:
    stream = tar.extractfile(entry)
    if entry.name != NAME or entry.size > manifests.largest() or stream is None:
        raise BrokenBundle(f"{path} is no bundle: it does not begin with {NAME}")
    return manifests.parse(stream.read(), str(path))


def _of_folder(path: Path) -> tuple[Manifest, dict[str, int], dict[str, int]]:
    sizes: dict[str, int] = {}
    for folder, folders, files in os.walk(path):
        for name in (*files, *folders):
            place = Path(folder, name)
            if place.is_symlink() or not (place.is_file() or place.is_dir()):
                raise BrokenBundle(f"{path} has {name!r}, which is no plain file")
            if place.is_file() and place != path / NAME:
                sizes[place.relative_to(path).as_posix()] = place.stat().st_size
    if (path / NAME).stat().st_size > manifests.largest():
        raise BrokenBundle(f"{path} is no bundle: its {NAME} is too large")
    return manifests.parse((path / NAME).read_bytes(), str(path)), {}, sizes

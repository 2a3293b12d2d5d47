"""A small environment in a store that a test may harm: of this project's lock what all need.

Nix 2.8 looks into the machine's store for what it repairs in another one. So nothing that is built
here has a path that is in the machine's store too.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import replace
from pathlib import Path

from nixrepro import lock as locks
from nixrepro.nix import Nix
from nixrepro.nix_store import Output, Store

from .conftest import NIX_CONFIG
from .session import Own

# What every environment has; beside it, distributions of both kinds: a pure one, a compiled one.
BASE = ("libc6", "libc-bin", "bash", "coreutils", "ca-certificates", "tzdata", "python3")
BASE += ("libstdc++6", "libgcc-s1", "zlib1g")
WHEELS = ("six", "wrapt")


def smaller(lock: locks.Lock) -> locks.Lock:
    """The part of a lock that a small environment needs."""
    system = {a.name: a for a in lock.artefacts if a.layer == "system" and not a.role}
    wanted, waiting = set(), list(BASE)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += system[name].dependencies
    kept = [
        a
        for a in lock.artefacts
        if a.role == "bootstrap"
        or (a.layer == "system" and not a.role and a.name in wanted)
        or (a.layer == "wheels" and not a.role and a.name in WHEELS)
    ]
    return replace(lock, artefacts=tuple(kept))


class OwnStore:
    """A realised small project, in a store below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.own = Own.copied(folder / "project")
        self.root = folder / "root"
        # Build users are shared by all stores, and Nix kills what it finds of a user.
        config = f"{NIX_CONFIG}\nbuild-users-group ="
        self.variables = {"NIX_REMOTE": f"local?root={self.root}", "NIX_CONFIG": config}
        self.nix = Nix(variables=self.variables)
        self.store = Store.of(self.nix)
        for builder in (self.own.root / "nix" / "build").iterdir():
            builder.write_text(builder.read_text() + "# in a store of its own\n")
        file = self.own.root / locks.FILE
        lock = smaller(locks.load(file))
        locks.save(file, lock)
        self._fill(lock, folder / "files")
        self.outputs: dict[str, Output] = self.store.outputs(self.own.root)
        wanted = ("environment", "facts", "settings", "train")
        done = self.store.realise(self.outputs[name].derivation for name in wanted)
        assert done.status == 0, done.stderr

    def _fill(self, lock: locks.Lock, folder: Path) -> None:
        folder.mkdir()
        files = []
        for artefact in lock.artefacts:
            name = locks.store_name(artefact.file)
            path = self.nix.store_path(name, artefact.sha256)
            if not (folder / name).exists():
                files.append(Path(shutil.copy(path, folder / name)))
        self.nix.add_fixed(files)
        shutil.rmtree(folder)

    def path(self, part: str) -> str:
        """The store path of a package or wheel by its name, or of one that the library names."""
        facts = json.loads((self.root / self.outputs["facts"].path[1:]).read_bytes())
        known = {item["name"]: item["path"] for some in facts["layers"].values() for item in some}
        known |= {name: output.path for name, output in self.outputs.items()}
        return str(known[part])

    def place(self, part: str) -> Path:
        """Where its files are."""
        return self.root / self.path(part)[1:]

    def artefact(self, name: str) -> Path:
        """Where the file is that a package or wheel was unpacked from."""
        lock = locks.load(self.own.root / locks.FILE)
        (found,) = {a for a in lock.artefacts if a.name == name and not a.role}
        path = self.nix.store_path(locks.store_name(found.file), found.sha256)
        return self.root / path[1:]


def write(path: Path, data: bytes) -> None:
    """Write into a store path, as a program run by root would."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o444
    with opened(path.parent):
        if path.exists():
            path.chmod(0o644)
        path.write_bytes(data)
        path.chmod(mode)


def remove(path: Path) -> None:
    """Remove a file or a folder of a store."""
    with opened(path.parent):
        if path.is_dir() and not path.is_symlink():
            for folder, _, _ in os.walk(path):
                os.chmod(folder, stat.S_IRWXU)
            shutil.rmtree(path)
        else:
            path.unlink()


class opened:
    """Lets a folder of the store be written for a moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mode = stat.S_IMODE(folder.stat().st_mode)

    def __enter__(self) -> None:
        self._folder.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        self._folder.chmod(self._mode)

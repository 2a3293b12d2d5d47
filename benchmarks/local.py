"""Local files for all that is timed: the lock's artefacts, and an archive for mmdebstrap."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import measure

from nixrepro.config import Config
from nixrepro.lock import Lock, store_name
from nixrepro.nix import store_path
from nixrepro.registries import apt


def gather(lock: Lock, folder: Path) -> Path:
    """Copy the lock's packages and wheels, under their published names, out of the store.

    Raises:
        measure.Failed: one is not there; `nixrepro fetch` brings it.
    """
    target = folder / "artefacts"
    target.mkdir()
    for artefact in lock.artefacts:
        if artefact.kind == "file":
            continue
        source = store_path(store_name(artefact.file), artefact.sha256)
        try:
            shutil.copyfile(source, target / artefact.file)
        except FileNotFoundError as error:
            raise measure.Failed(f"{artefact.file} is not in the store: nixrepro fetch") from error
    return target


def archive(config: Config, folder: Path) -> str:
    """A Debian archive of local files with all that mmdebstrap asks for; its source line for apt.

    Its packages are taken, untimed, from the configured mirrors.

    Raises:
        measure.Failed: mmdebstrap or apt-ftparchive is missing, or no mirror answers.
    """
    suite = config.base.suite
    mirrors = apt.find(config.base, os.environ)
    lines = [f"deb {mirrors.debian} {suite} main"]
    if suite != "sid":
        lines.append(f"deb {mirrors.debian} {suite}-updates main")
        lines.append(f"deb {mirrors.security} {suite}-security main")
    pool = folder / "archive" / "pool"
    pool.mkdir(parents=True)
    stale = ['--aptopt=Acquire::Check-Valid-Until "false"'] if mirrors.expired else []
    measure.run(
        [
            *("mmdebstrap", "--variant=minbase", f"--include={included(config)}", *stale),
            "--skip=essential/unlink",
            f"--customize-hook=sync-out /var/cache/apt/archives {pool}",
            *("--format=null", suite, "/dev/null", *lines),
        ]
    )
    shutil.rmtree(pool / "partial", ignore_errors=True)
    dists = pool.parent / "dists" / suite
    (dists / "main/binary-amd64").mkdir(parents=True)
    packages = measure.run(["apt-ftparchive", "packages", "pool"], cwd=pool.parent).output
    (dists / "main/binary-amd64/Packages").write_text(packages)
    fields = {"Suite": suite, "Codename": suite, "Architectures": "amd64", "Components": "main"}
    options = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    release = measure.run(["apt-ftparchive", *options, "release", dists]).output
    (dists / "Release").write_text(release)
    return f"deb [trusted=yes] copy:{pool.parent} {suite} main"


def included(config: Config) -> str:
    """The packages that mmdebstrap is asked for: what the project asks for, and Python."""
    return ",".join(dict.fromkeys(["python3", "ca-certificates", *config.base.packages]))

"""Reads what a run of Weights & Biases carries: from its server, or an offline run's folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from nixrepro.errors import FetchError
from nixrepro.runtime.trackers.artefact import FOLDER
from nixrepro.trackers.artefact import checked_name, keep, missing
from nixrepro.trackers.mlflow import first_line

# What the artifact is called there, as nixrepro_runtime.trackers.wandb names it.
TYPE = "nixrepro"
_PARTS = 3


def fetch(path: str, target: Path) -> Path:
    """Get what nixrepro left with a run of Weights & Biases.

    Args:
        path: `entity/project/run`, or the folder of an offline run (`wandb/offline-run-...`).
        target: a folder of the caller's.

    Returns:
        `target/nixrepro`, with `record.json` and, as far as the run carries them, `nixrepro.lock`,
        `flake.lock` and `code.patch`.

    Raises:
        FetchError: there is no such run, it carries nothing of nixrepro, the server does not
            answer, or W&B is not installed.
        RunError: what it carries is no record.
        OSError: the target can't be written.
    """
    local = Path(path)
    if local.is_dir():
        return keep(local / "files" / FOLDER, target, f"the offline run in {path}")
    parts = path.strip("/").split("/")
    if len(parts) != _PARTS:
        raise FetchError(
            f"{path!r} is neither entity/project/run nor the folder of an offline run",
            hint="W&B shows the path of a run on its overview page",
        )
    name = "/".join(checked_name(part, "part of a W&B path") for part in parts)
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as folder:
        _download(name, Path(folder))
        return keep(Path(folder), target, f"run {name} of W&B")


def _download(name: str, folder: Path) -> None:
    try:
        import wandb
    except ImportError as error:
        raise missing("wandb", error) from error
    try:
        run = wandb.Api().run(name)
        found = [each for each in run.logged_artifacts() if each.type == TYPE]
        if found:
            found[-1].download(root=str(folder))
            return
        _files(run, folder)  # it never came to its end: then there are the files of its start
    except (wandb.errors.Error, OSError, ValueError) as error:
        raise FetchError(
            f"run {name} of W&B can't be had: {first_line(error)}",
            hint="`wandb login` says who you are; WANDB_BASE_URL names a server of your own",
        ) from error


def _files(run: Any, folder: Path) -> None:
    for each in run.files():
        where, _, file = str(each.name).rpartition("/")
        if where == FOLDER and file not in ("", ".", ".."):
            each.download(root=str(folder / "files"), replace=True)
            (folder / "files" / FOLDER / file).replace(folder / file)

"""Real repositories for the tests of the code layer, made by this machine's git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from nixrepro.runtime import git

AUTHOR = {
    "GIT_AUTHOR_NAME": "n", "GIT_AUTHOR_EMAIL": "e", "GIT_COMMITTER_NAME": "n",
    "GIT_COMMITTER_EMAIL": "e", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip


def call(folder: Path, *words: str) -> str:
    """What git says in a folder, in which it must succeed."""
    return subprocess.run(
        ["git", "-C", folder, "-c", "protocol.file.allow=always", *words],
        env={**os.environ, **AUTHOR},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def repository(folder: Path, **files: str) -> Path:
    """A repository with one commit of some files, `__` in a name for its dot."""
    folder.mkdir(parents=True)
    call(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    call(folder, "add", ".")
    call(folder, "commit", "-qm", "first")
    return folder


def read(folder: Path, tmp_path: Path) -> tuple[git.Code, dict[str, Any], dict[str, bytes]]:
    """The code layer's reader when it has finished, with its facts and patches."""
    code = git.Code(str(folder), "", dict(os.environ))
    code.start()
    scratch = tmp_path / f"scratch-{len(list(tmp_path.iterdir()))}"
    scratch.mkdir()
    return code, *code.finish(str(scratch))


def look(folder: Path, tmp_path: Path) -> tuple[dict[str, Any], bytes]:
    """The facts, and the repository's own patch."""
    _, facts, patches = read(folder, tmp_path)
    return facts, patches.get(git.PATCH, b"")

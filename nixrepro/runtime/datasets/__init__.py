"""Data by reference: digests of files and folders that lie where they are, and never in the store.

Apart from `nixrepro_runtime.data`, which is what a program calls. A run without such data imports
nothing of this.
"""

from __future__ import annotations

import os

from .. import STATE

# Of a project: caches, lists of files by digest, and links to data that lies elsewhere.
FOLDER = os.path.join(STATE, "data")
SHA256, MERKLE, MD5 = "sha256:", "merkle:", "md5:"


class Unreadable(Exception):
    """Some of the data can't be digested.

    Attributes:
        problems: name and reason of each file, as far as they were counted.
    """

    def __init__(self, problems: list[tuple[bytes, str]]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        from .naming import shown, some

        return some([f"{shown(name)} {reason}" for name, reason in self.problems], "; ")


class Interrupted(Exception):
    """Somebody asked this to end."""

"""The local packages that a lock file names: their code is the project's, and no index has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from nixrepro.imports import local
from nixrepro.imports.model import Left


@dataclass
class Folders:
    """What was found so far.

    Args:
        root: the project's folder.
        beside: the folder of the lock file, to which the paths in it are relative.
    """

    root: Path
    beside: Path
    names: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def take(self, name: str, place: str, line: int, *, wanted: bool) -> None:
        """One package; what it needs is asked for only where it is itself wanted."""
        self.names.append(name)
        found = local.read(self.root, self.beside, place, [])
        if isinstance(found, str):
            said = f"comes from the folder {place}: {found}"
            # The project itself is there in any case: what it needs the lock file says.
            missing = wanted and Path(place) != Path()
            if missing:
                self.left.append(Left(line, name, said, wanted=True))
            return
        self.code.append(found.code)
        self.files += found.files
        if wanted:
            self.requirements += found.requirements

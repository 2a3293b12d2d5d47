"""Where trials are kept: each in a folder by its key, and one that is made anew beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from nixrepro.canonical import write_atomic
from nixrepro.errors import RunError
from nixrepro.explain.numbers import numbers
from nixrepro.record import Record, read
from nixrepro.repeat.stage import take
from nixrepro.runtime import STATE
from nixrepro.runtime.folder import NAME, RECORD

TRIALS = f"{STATE}/trials"


class Shelf:
    """The kept trials of a project."""

    def __init__(self, root: Path, *, again: bool) -> None:
        """Name it; nothing is read yet.

        Args:
            root: the project's folder.
            again: whether what was kept before is not to be used.
        """
        self._root = root
        self._again = again
        self._made: set[str] = set()

    def found(self, key: str, usable: Callable[[Record], bool]) -> Record | None:
        """The newest kept trial that is of use; one that is broken is of none."""
        if self._again and key not in self._made:
            return None
        return self.before(key, usable)

    def before(self, key: str, usable: Callable[[Record], bool]) -> Record | None:
        """The same, also where what was kept is not to be used."""
        for place in self._places(key):
            try:
                record = Record(place, read(place / RECORD))
            except RunError:
                continue
            if numbers(record.document) and usable(record):
                return record
        return None

    def keep(self, key: str, left: Path, document: Mapping[str, Any]) -> Record:
        """Keep a trial that was just made; nothing that is whole makes room for it under `again`.

        Args:
            key: of the trial.
            left: the folder that its supervisor left.
            document: its record.
        """
        places = list(self._places(key))
        target = places[0] if places else self._root / TRIALS / key[:NAME]
        if self._again and key not in self._made and places:
            target = self._root / TRIALS / f"{key[:NAME]}-{_number(places[0]) + 1}"
        self._made.add(key)
        if target.exists():  # what another process made meanwhile, or what is broken
            shutil.rmtree(target)
        return take(left, document, target)

    def complain(self, key: str, text: str) -> str:
        """Keep all that is said of a trial that could not be made; the file's name."""
        name = f"{TRIALS}/{key[:NAME]}.error.txt"
        (self._root / TRIALS).mkdir(parents=True, exist_ok=True)
        write_atomic(self._root / name, f"{text}\n".encode())
        return name

    def _places(self, key: str) -> Iterator[Path]:
        """The folders of one key, the newest first."""
        name = key[:NAME]
        there = [self._root / TRIALS / name, *(self._root / TRIALS).glob(f"{name}-*")]
        yield from sorted((each for each in there if each.is_dir()), key=_number, reverse=True)


def _number(place: Path) -> int:
    number = place.name.partition("-")[2]
    return int(number) if number.isdigit() else 1

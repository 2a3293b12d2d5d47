"""Puts the Nix library and the flake into a project: all of it, or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from nixrepro import beginning, git
from nixrepro.canonical import write_atomic
from nixrepro.config import FILE, parse
from nixrepro.errors import ConfigError
from nixrepro.runtime import STATE

_HERE = Path(__file__).parent
_IGNORED = (f"{STATE}/", "result", "result-*")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_FLAKE, _OLD_FLAKE, _LIBRARY = "flake.nix", "flake.nix.old", "nix"


@dataclass
class _Change:
    """Files written so far, in words, and how to take each back."""

    root: Path
    undo: ExitStack
    said: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    def write(self, name: str, text: str, what: str) -> None:
        """Write one file whole."""
        path = self.root / name
        old = path.read_bytes() if path.exists() else None
        write_atomic(path, text.encode())
        if old is None:
            self.undo.callback(path.unlink)
        else:
            self.undo.callback(write_atomic, path, old)
        self.done(name, what)

    def done(self, name: str, what: str) -> None:
        self.said.append(f"{name}: {what}")
        if name != _OLD_FLAKE:
            self.new.append(name)


def initialise(root: Path, proposed: tuple[str, str] | None = None) -> list[str]:
    """Make a folder a project of nixrepro; what its files hold already is not harmed.

    Args:
        root: the folder.
        proposed: the pyproject.toml to write, and in words what is new about it; None for the
            smallest.

    Returns:
        What was done, a line each.

    Raises:
        ConfigError: it is one already, or a file of that name is in the way; nothing was written.
        OSError: the folder can't be written; what was written has been taken back.
    """
    if not root.is_dir():
        raise ConfigError(f"there is no folder {root}", hint="make it first")
    project, what = proposed or beginning.project(root, template(FILE))
    for name in (_FLAKE, _LIBRARY):
        if (root / name).exists():
            hint = f"move it away, then run `nixrepro init` again; its {name} can be merged by hand"
            raise ConfigError(f"{root / name} is there already and not nixrepro's", hint=hint)
    return _all_or_nothing(root, lambda change: _first(change, project, what))


def refresh(root: Path) -> list[str]:
    """Bring flake.nix and nix/ of a project to this version of the tool; nothing else changes.

    Returns:
        What was done, a line each; none where all was up to date.

    Raises:
        OSError: the folder can't be written; what was written has been taken back.
    """
    return _all_or_nothing(root, _again)


def _all_or_nothing(root: Path, steps: Callable[[_Change], None]) -> list[str]:
    with ExitStack() as undo:
        change = _Change(root, undo)
        steps(change)
        undo.pop_all()
    if git.intend_to_add(root, change.new):
        change.said.append("git: knows the new files (`git add --intent-to-add`)")
    return change.said


def _first(change: _Change, project: str, what: str) -> None:
    change.write(FILE, project, what)
    change.said += beginning.beside(parse(project, change.root))
    change.write(_FLAKE, template(_FLAKE), "new")
    _put_library(change)
    _ignore(change)


def _again(change: _Change) -> None:
    flake = change.root / _FLAKE
    if not flake.exists():
        change.write(_FLAKE, template(_FLAKE), "new")
    elif flake.read_text(encoding="utf-8") != template(_FLAKE):
        change.write(_OLD_FLAKE, flake.read_text(encoding="utf-8"), "what flake.nix was")
        change.write(_FLAKE, template(_FLAKE), "renewed")
    _put_library(change)


def template(name: str) -> str:
    """The text of a file that a new project gets."""
    return (_HERE / "templates" / name).read_text(encoding="utf-8")


def library() -> Path:
    """The folder of the Nix library: beside this module, or beside the package in a checkout."""
    packaged = _HERE / "library"
    return packaged if packaged.is_dir() else _HERE.parent / "nix"


def _put_library(change: _Change) -> None:
    """Make the library beside its place, then put it there in one step."""
    place, new, old = (change.root / name for name in (_LIBRARY, ".nix.new", ".nix.old"))
    if old.is_dir() and not place.exists():
        old.rename(place)  # killed between the two renames below
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    change.undo.callback(shutil.rmtree, new, ignore_errors=True)
    if place.is_dir():
        shutil.copytree(place, new, ignore=_LEFT_OUT)
    shutil.copytree(library(), new, ignore=_LEFT_OUT, dirs_exist_ok=True)
    shutil.copytree(_HERE / "runtime", new / "runtime", ignore=_LEFT_OUT, dirs_exist_ok=True)
    if not place.is_dir():
        new.rename(place)
        change.undo.callback(shutil.rmtree, place)
        change.done(_LIBRARY, "new (the library)")
        return
    place.rename(old)
    change.undo.callback(_put_back, old, place)
    new.rename(place)
    same = _files(place) == _files(old)
    shutil.rmtree(old)
    if not same:
        change.done(_LIBRARY, "renewed (the library)")


def _put_back(old: Path, place: Path) -> None:
    if old.is_dir():
        shutil.rmtree(place, ignore_errors=True)
        old.rename(place)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def _ignore(change: _Change) -> None:
    path = change.root / ".gitignore"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lacking = [line for line in _IGNORED if line not in text.splitlines()]
    if lacking:
        gap = "\n" if text and not text.endswith("\n") else ""
        said = "new" if not text else f"{', '.join(lacking)} added"
        change.write(".gitignore", text + gap + "".join(f"{line}\n" for line in lacking), said)

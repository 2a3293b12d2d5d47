"""Facts of the project that a folder is in; nothing in it is changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from nixrepro import config as configs
from nixrepro import lock as locks
from nixrepro import record, vendor
from nixrepro.doctor.model import ProjectFacts
from nixrepro.errors import NixreproError
from nixrepro.memory import remembered
from nixrepro.runtime.folder import RECORD, RUNS
from nixrepro.runtime.git import Code
from nixrepro.runtime.git_doubts import doubts

_CODE = frozenset("0123456789abcdef")


def find(folder: Path) -> Path | None:
    """The project's folder, if there is one."""
    try:
        return configs.find_root(folder)
    except NixreproError:
        return None


def configured(root: Path | None) -> configs.Config | None:
    """Its configuration, if it can be read."""
    try:
        return configs.load(root) if root else None
    except NixreproError:
        return None


def facts(
    root: Path | None, config: configs.Config | None, environ: Mapping[str, str]
) -> ProjectFacts:
    """All that is looked at in a project.

    Args:
        root: its folder; None outside of any.
        config: its configuration; None where it can't be read.
        environ: the variables.
    """
    if root is None:
        return ProjectFacts()
    problem = fix = ""
    if config is None:
        problem, fix = _wrong(root)
    said, count = ("", 0) if config is None else lock(config)
    found = record_folders(root)
    broken = [str(each.relative_to(root)) for each in found if not _readable(each)]
    differing = list(library(root))
    return ProjectFacts(
        root=str(root),
        problem=problem,
        fix=fix,
        lock=said,
        artefacts=count,
        library=tuple(differing),
        own=_own(root),
        absent=not (root / "flake.nix").exists() or not (root / "nix").is_dir(),
        runs=len(found) - len(broken),
        broken=tuple(broken),
        code=tuple(code(root, environ)),
        realised=remembered(str(root)) is not None,
    )


def lock(config: configs.Config) -> tuple[str, int]:
    """What is wrong with a project's lock ("" for nothing), and how many artefacts it names."""
    if not (config.root / locks.FILE).exists():
        return f"there is no {locks.FILE} yet", 0
    try:
        found = locks.load(config.root / locks.FILE)
    except NixreproError as error:
        return error.message, 0
    if changes := locks.compare(found, config):
        keys = ", ".join(dict.fromkeys(change.key for change in changes))
        return f"it does not answer {configs.FILE} any more: {keys}", len(found.artefacts)
    return "", len(found.artefacts)


def library(root: Path) -> Iterator[str]:
    """The files of the vendored library and the flake that are not this version's."""
    if _own(root):
        return
    parts = ((vendor.library(), "nix"), (Path(record.__file__).parent / "runtime", "nix/runtime"))
    for source, name in parts:
        for file in sorted(source.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                path = f"{name}/{file.relative_to(source).as_posix()}"
                if _bytes(root / path) != file.read_bytes():
                    yield path
    if _bytes(root / "flake.nix") != vendor.template("flake.nix").encode():
        yield "flake.nix"


def record_folders(root: Path) -> list[Path]:
    """The folders of the runs that ended or were cut short."""
    found = sorted((root / RUNS).glob("*")) if (root / RUNS).is_dir() else []
    return [each for each in found if each.is_dir() and _CODE.issuperset(each.name)]


def code(root: Path, environ: Mapping[str, str]) -> list[str]:
    """What git could not bring back of the project's code, as the supervisor would find it."""
    reader = Code(str(root), "", dict(environ))
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as scratch:
        reader.start()
        found, _ = reader.finish(scratch)
    return list(doubts(found))


def _wrong(root: Path) -> tuple[str, str]:
    try:
        configs.load(root)
    except NixreproError as error:
        return error.message, error.hint
    return "", ""


def _own(root: Path) -> bool:
    return (root / "nix").is_dir() and (root / "nix").samefile(vendor.library())


def _readable(folder: Path) -> bool:
    try:
        record.read(folder / RECORD)
    except NixreproError:
        return False
    return True


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None

"""What CPU a repetition is started on: a virtual one, of its own tree's library; how much of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nixrepro.canonical import write_atomic
from nixrepro.config.model import is_table
from nixrepro.errors import BuildError, RunError
from nixrepro.repeat import compiler as compilers
from nixrepro.runtime import STATE

if TYPE_CHECKING:
    from nixrepro.nix import Nix

_KEPT = ("profile", "cpu", "threads")
PORTABLE = "portable"


def start(
    project: Path, table: Sequence[str], folder: Path, nix: Nix, compiler: str = ""
) -> list[str]:
    """The words before a supervisor's command that start it on another CPU; none for this one.

    The supervisor is on it too, and so records it.

    Args:
        project: the project in the repetition's tree.
        table: the CPU, as `vcpu --show` says it.
        folder: where its file may lie.
        nix: the Nix to build with.
        compiler: as in the recipe.

    Raises:
        RunError: its library knows no virtual CPU, or it can't be built.
    """
    if not table:
        return []
    file = folder / "recorded.cpu"
    write_atomic(file, "".join(f"{line}\n" for line in table).encode())
    vcpu, sites = _built(project, nix, compiler)
    return [vcpu, *(["--sites", sites] if sites else []), "--table", str(file), "--"]


def numerics(
    project: Path, recorded: dict[str, Any], given: dict[str, Any], nix: Nix, compiler: str = ""
) -> dict[str, Any]:
    """What a settings file must say, so that a run computes as a record says it did.

    Args:
        project: the project in the repetition's tree.
        recorded: `settings.numerics` of the record; empty where the machine decided.
        given: the same of the tree's own settings file.
        nix: the Nix to build with.
        compiler: as in the recipe.

    Raises:
        RunError: its library knows no virtual CPU, or it can't be built.
    """
    if stated(recorded) == stated(given):
        return given
    found: dict[str, Any] = {"profile": "native", **stated(recorded)}
    if found["profile"] == PORTABLE:
        found["vcpu"], found["sites"] = _built(project, nix, compiler)
        if is_table(cpu := str(found.get("cpu", ""))):
            found["table"] = str(_table(project, cpu))
    return found


def _table(project: Path, cpu: str) -> Path:
    """The CPU's table that a path in the project names, which may be a stranger's."""
    path = (project / cpu).resolve()
    if not path.is_relative_to(project.resolve()) or not path.is_file():
        raise RunError(
            f"the table {cpu} of its CPU is not in the project that ran",
            hint="the tables that come along are named in docs/numerics.md",
        )
    return path


def stated(numerics: dict[str, Any]) -> dict[str, Any]:
    """Of numerics what a project states: profile, CPU and threads."""
    kept = {key: numerics[key] for key in _KEPT if numerics.get(key)}
    return {} if kept == {"profile": "native"} else kept


@contextmanager
def processors(number: int) -> Iterator[None]:
    """Have no more processors than that many, for what is started here; 0 for all."""
    usable = os.sched_getaffinity(0)
    if number > len(usable):
        raise RunError(f"{number} processors were used then, and here are {len(usable)}")
    try:
        if number:
            os.sched_setaffinity(0, sorted(usable)[:number])
        yield
    finally:
        os.sched_setaffinity(0, usable)


def _built(project: Path, nix: Nix, other: str) -> tuple[str, str]:
    """The program, and the list of places that it replaces; "" where it is to look for them."""
    library = project / "nix"
    if library.is_dir() and not (library / "vcpu.nix").is_file():
        raise RunError(
            "the Nix library that it ran with has no virtual CPU yet",
            hint="run it anew with today's library (`nixrepro init --update`)",
        )
    try:
        if other:
            made = {"vcpu": compilers.vcpu(project, other, nix)}
        else:
            made = {name: nix.build(project, name) for name in ("vcpu", "sites")}
    except BuildError as error:
        raise RunError(
            f"the virtual CPU can't be built: {error.message}",
            hint="it needs gcc among the packages of [tool.nixrepro.base]",
            details=error.details,
        ) from error
    for name, path in made.items():
        link = project / STATE / "roots" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        nix.add_root(link, path)
    return f"{made['vcpu']}/bin/vcpu", made.get("sites", "")

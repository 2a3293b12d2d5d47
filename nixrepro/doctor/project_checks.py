"""What is said of where artefacts come from, and of the project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nixrepro.doctor.model import PROJECT, SOURCES, Facts, Line, Server, State
from nixrepro.names import counted

_SHOWN = 3


def check(facts: Facts) -> Iterator[Line]:
    """A line for each."""
    for server in facts.servers:
        yield _server(server)
    yield _keyring(facts.keys)
    yield from _project(facts)


def _server(server: Server) -> Line:
    if server.problem:
        said = f"{server.url}: {server.problem}" if server.url else server.problem
        return Line(SOURCES, server.name, State.MISSING, said, server.fix)
    answered = "" if server.seconds is None else f", answered in {server.seconds:.1f} s"
    return Line(SOURCES, server.name, State.OK, f"{server.url}{answered}")


def _keyring(keys: int | str) -> Line:
    if isinstance(keys, int) and keys:
        return Line(SOURCES, "archive keys", State.OK, f"{keys} in the keyring of this package")
    said = f"the keyring can't be read: {keys or 'it is empty'}"
    fix = "python -m pip install --force-reinstall nixrepro pysequoia"
    return Line(SOURCES, "archive keys", State.MISSING, said, fix)


def _project(facts: Facts) -> Iterator[Line]:
    project = facts.project
    if not project.root:
        yield Line(PROJECT, "folder", State.OK, "none here; `nixrepro init` makes one")
        return
    if project.problem:
        yield Line(PROJECT, "pyproject.toml", State.MISSING, project.problem, project.fix)
    else:
        yield Line(PROJECT, "pyproject.toml", State.OK, f"in {project.root}")
        yield _lock(facts)
    yield _library(facts)
    yield _environment(facts)
    if project.code:
        said = f"git can't bring it back: {'; '.join(project.code)}"
        yield Line(PROJECT, "code", State.WARNING, said, _keep(facts))
    else:
        said = "in Git or, where not committed, in each run's record"
        yield Line(PROJECT, "code", State.OK, said)
    yield _records(facts)


def _keep(facts: Facts) -> str:
    """What to do so that git can bring the code back."""
    if not facts.tools.get("git", ""):
        return "install git, as said above"
    if any("no Git repository" in each for each in facts.project.code):
        return "git init, then commit what is to be kept"
    return "commit what is to be kept, pin large files: nixrepro data add NAME PATH"


def _lock(facts: Facts) -> Line:
    if facts.project.lock:
        return Line(PROJECT, "lock", State.MISSING, facts.project.lock, "nixrepro lock")
    said = f"answers pyproject.toml, {counted(facts.project.artefacts, 'artefact')}"
    return Line(PROJECT, "lock", State.OK, said)


def _library(facts: Facts) -> Line:
    project, update = facts.project, "nixrepro init --update"
    if project.own:
        return Line(PROJECT, "library", State.OK, "this project is where it comes from")
    if project.absent:
        return Line(PROJECT, "library", State.MISSING, "flake.nix or nix/ is not there", update)
    if project.library:
        said = f"not this version's: {_some(project.library)}"
        return Line(PROJECT, "library", State.WARNING, said, update)
    return Line(PROJECT, "library", State.OK, "this version's")


def _environment(facts: Facts) -> Line:
    if facts.project.realised:
        return Line(PROJECT, "environment", State.OK, "in the store")
    said = "not realised yet for what the files say now; the next run does that"
    return Line(PROJECT, "environment", State.OK, said)


def _records(facts: Facts) -> Line:
    project = facts.project
    if project.broken:
        said = f"{len(project.broken)} can't be read: {_some(project.broken)}"
        fix = f"restore it, or: rm -r {project.broken[0]}"
        return Line(PROJECT, "records", State.WARNING, said, fix)
    return Line(PROJECT, "records", State.OK, counted(project.runs, "run"))


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

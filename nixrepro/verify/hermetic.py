"""Whether a run touches anything of the host: it runs under observation, and all is listed."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.errors import BuildError
from nixrepro.process import Runner, run
from nixrepro.realise import flake
from nixrepro.verify.contract import Place, contract, layers
from nixrepro.verify.observed import Observed, Watched
from nixrepro.verify.uses import Kind, Use
from nixrepro.verify.verdict import Finding, State, Verdict

if TYPE_CHECKING:
    from nixrepro.nix import Nix
    from nixrepro.realise import Environment

CHECK = "hermetic"
_PARTS = {
    "files": (Kind.READ, Kind.WRITE),
    "programs": (Kind.START,),
    "objects": (Kind.MAP,),
    "addresses": (Kind.CONNECT,),
}
_OUTSIDE = {
    "files": "outside the closure, the project, declared data and its temporary folder",
    "programs": "outside the closure, the project and its temporary folder",
    "objects": "outside the closure",
    "addresses": "that it does not serve itself",
}
_DONE = {
    Kind.READ: "read by",
    Kind.WRITE: "written by",
    Kind.START: "started by",
    Kind.MAP: "loaded as code by",
    Kind.CONNECT: "connected to by",
}


def check_hermetic(
    root: Path, environment: Environment, words: Sequence[str], nix: Nix
) -> tuple[Verdict, ...]:
    """Run a command under observation and compare what it touched with the contract.

    Args:
        root: the project's folder.
        environment: where to run.
        words: the program and its arguments; none for the project's training command.
        nix: gives the observer.

    Raises:
        NixreproError: there is no observer.
    """
    return observe(root, environment, words, observer(root, nix))


def observer(root: Path, nix: Nix) -> Path:
    """The pinned strace of a project's flake.

    Raises:
        BuildError: the flake has none, or it can't be built.
    """
    try:
        with flake(root, nix) as folder:
            return Path(nix.build(folder, "observer")) / "bin" / "strace"
    except BuildError as error:
        if "does not provide attribute" not in error.details:
            raise
        raise BuildError(
            "the flake of this project has no observer",
            hint="run `nixrepro init --update`, which renews nix/, and then `nixrepro lock`",
        ) from error


def observe(
    root: Path,
    environment: Environment,
    words: Sequence[str],
    tool: Path,
    runner: Runner = run,
) -> tuple[Verdict, ...]:
    """The same with an observer at hand.

    Args:
        root: the project's folder.
        environment: where to run.
        words: the program and its arguments.
        tool: the file of strace.
        runner: how programs are started.
    """
    begun = time.monotonic()
    facts = json.loads(Path(environment.facts).read_bytes())
    with tempfile.TemporaryDirectory(prefix="nixrepro-observed-") as folder:
        watched = Watched(root, environment, tuple(words), tool, Path(folder), runner)
        if refused := watched.refused():
            return (Verdict(CHECK, "", State.UNKNOWN, refused, seconds=time.monotonic() - begun),)
        referred = _referred(root, environment)
        allowed = contract(facts, _files(environment), (str(root), folder, *referred))
        seen = watched.watch(allowed)
        whose = watched.whose(seen.outside, layers(facts, str(root))) if seen.outside else {}
    return verdicts(seen, whose, time.monotonic() - begun)


def verdicts(seen: Observed, whose: Mapping[Use, Place], seconds: float) -> tuple[Verdict, ...]:
    """What an observation says: a verdict each for files, programs, objects and addresses."""
    return tuple(
        _verdict(part, kinds, seen, whose, seconds if part == "files" else 0.0)
        for part, kinds in _PARTS.items()
    )


def _verdict(
    part: str, kinds: tuple[Kind, ...], seen: Observed, whose: Mapping[Use, Place], seconds: float
) -> Verdict:
    outside = [use for use in seen.outside if use.kind in kinds]
    used = sum(seen.counts.get(kind, 0) for kind in kinds)
    one = part.removesuffix("es" if part == "addresses" else "s")
    compared = f"{used} {one if used == 1 else part} used, with the contract"
    findings = tuple(_finding(use, whose.get(use)) for use in outside)
    if outside:
        state = State.DIFFERS
        reason = f"{len(outside)} {_OUTSIDE[part]}"
    elif Kind.HIDE in seen.counts:
        state = State.UNKNOWN
        reason = "the program used io_uring, by which it can do what nobody sees"
    elif seen.status:
        state = State.UNKNOWN
        reason = f"nothing of the host so far, but the program failed (status {seen.status})"
    else:
        state, reason = State.SAME, "nothing of the host"
    return Verdict(CHECK, part, state, reason, compared, findings, seconds)


def _finding(use: Use, place: Place | None) -> Finding:
    if place is None:
        return Finding(use.subject, f"{_DONE[use.kind]} a program that is not known")
    reason = f"{_DONE[use.kind]} {place.said}"
    return Finding(use.subject, reason, place.layer, place.file, place.line)


def _files(environment: Environment) -> tuple[str, ...]:
    """The files of the store that a run reads beyond its closure."""
    settings = json.loads(Path(environment.settings).read_bytes())
    data = tuple(entry["path"] for entry in settings.get("data", {}).values())
    return (environment.facts, environment.settings, *data)


def _referred(root: Path, environment: Environment) -> tuple[str, ...]:
    """Where declared data lies that is not in the store."""
    from nixrepro.runtime.datasets.places import place

    stated = json.loads(Path(environment.settings).read_bytes()).get("data", {})
    places = (place(str(root), name, each) for name, each in stated.items() if "reference" in each)
    return tuple(filter(None, places))

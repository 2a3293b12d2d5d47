"""Observes any program as `nixrepro verify --trace` does a run."""

from __future__ import annotations

import json
from pathlib import Path

from nixrepro.nix import Nix
from nixrepro.strace import CALLS, events
from nixrepro.verify.contract import contract
from nixrepro.verify.hermetic import observer
from nixrepro.verify.uses import Use, uses

from .conftest import Project, call


def pinned(project: Project) -> Path:
    """The observer of a project's flake."""
    return observer(project.root, Nix())


def outside(
    argv: list[str], strace: Path, facts: Path, *folders: Path, files: tuple[str, ...] = ()
) -> list[Use]:
    """What a program that is no run touched outside of the contract."""
    trace = folders[0] / "trace"
    options = ["-f", "--seccomp-bpf", "-qq", "-yy", "-s", "0", "-e", f"trace={CALLS}"]
    env = {"PWD": str(folders[-1])}
    done = call([strace, *options, "-o", trace, *argv], folders[-1], env)
    assert done.status == 0, done.err
    # What starts it, and what it is told of the run, is the store's and none of the environment's.
    more = (argv[0], str(facts), *files)
    allowed = contract(json.loads(facts.read_bytes()), more, tuple(map(str, folders)))
    with trace.open(errors="surrogateescape") as lines:
        found = uses(events(lines), str(folders[-1]))
        return [use for use in found if allowed.outside(use)]

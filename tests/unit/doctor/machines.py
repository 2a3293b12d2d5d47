"""Facts of a machine on which all is well, to be changed by each test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nixrepro.doctor import Facts, Line, check
from nixrepro.doctor.model import NixFacts, Place, ProjectFacts, Server, System, User

ROOT = User("root", True, ("root",), "/home/root")
ALICE = User("alice", False, ("alice", "nix-users"), "/home/alice")
DEBIAN = System("Debian GNU/Linux 12 (bookworm)", True, "x86_64", "Linux 6.1.0")
SETTINGS = {
    "experimental-features": "flakes nix-command",
    "sandbox": "true",
    "trusted-users": "root",
}
SINGLE = NixFacts((2, 8, 0), store="local", settings=SETTINGS, group=("nixbld1", "nixbld2"))
DAEMON = replace(SINGLE, store="daemon", systemd=True)

GOOD = Facts(
    user=ROOT,
    system=DEBIAN,
    nix=SINGLE,
    tools={"git": "2.39.5", "uv": "0.8.0"},
    servers=(Server("mirror", "http://mirror.example/debian"),),
    keys=9,
    gpu={"devices": [], "driver": "none", "nvidia": []},
    places=(Place("store", "/nix/store", 50_000_000_000),),
    project=ProjectFacts(root="/p", artefacts=12, runs=3, realised=True),
    terminal={"encoding": "utf-8", "columns": 80, "tty": True},
)


def line(facts: Facts, subject: str) -> Line:
    """The one line on a subject."""
    (found,) = (each for each in check(facts) if each.subject == subject)
    return found


def nix(facts: Facts = GOOD, **changes: Any) -> Facts:
    """The same machine with another Nix."""
    return replace(facts, nix=replace(facts.nix, **changes))


def system(facts: Facts = GOOD, **changes: Any) -> Facts:
    """The same machine with another kernel or distribution."""
    return replace(facts, system=replace(facts.system, **changes))


def project(facts: Facts = GOOD, **changes: Any) -> Facts:
    """The same machine with another project."""
    return replace(facts, project=replace(facts.project, **changes))

"""The packages that nixrepro itself asks for, whatever the project does."""

from __future__ import annotations

from nixrepro.config import Config
from nixrepro.config.asked import compiler
from nixrepro.lock.model import Lock

# What every environment has: the C library, a shell and the tools that its scripts take for
# granted, Python, and what wheels expect to find.
REQUIRED = (
    "bash",
    "ca-certificates",
    "coreutils",
    "diffutils",
    "findutils",
    "grep",
    "gzip",
    "libc-bin",
    "libc6",
    "libgcc-s1",
    "libstdc++6",
    "ncurses-base",
    "python3",
    "sed",
    "tar",
    "tzdata",
    "zlib1g",
)
# With a compiler, Python's own headers: sdists are built with them.
WITH_GCC = ("libpython3-dev",)
# A Python that unpacks, and what inflates for it; the version's own package comes to it.
BOOTSTRAP = ("libdeflate0", "libpython3-stdlib", "zlib1g")
# What watches a run from outside: no part of the environment.
OBSERVER = ("strace",)


def wanted(config: Config) -> frozenset[str]:
    """The packages that the environment of a configuration is asked to have."""
    names = {*REQUIRED, *config.base.packages, *compiler(config)}
    return frozenset(names | set(WITH_GCC) if "gcc" in names else names)


def lacking(lock: Lock, config: Config) -> list[str]:
    """What nixrepro asks for and a lock, made by an older one, does not hold, sorted."""
    there = {(a.role, a.name) for a in lock.artefacts if a.layer == "system"}
    asked = {"": wanted(config), "bootstrap": BOOTSTRAP, "observer": OBSERVER}
    return sorted({name for role in asked for name in asked[role] if (role, name) not in there})

"""What is missing on this machine, and how to get it: facts first, then checks over them."""

from __future__ import annotations

from nixrepro.doctor import machine_checks, nix_checks, project_checks
from nixrepro.doctor.gather import gather
from nixrepro.doctor.model import Facts, Line, State

__all__ = ["Facts", "Line", "State", "check", "gather"]


def check(facts: Facts) -> tuple[Line, ...]:
    """All that is to be said of a machine; pure."""
    return (*nix_checks.check(facts), *machine_checks.check(facts), *project_checks.check(facts))

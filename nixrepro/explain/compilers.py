"""Whose gcc makes the virtual CPU: of the run's own lock, else of another one that has it.

vcpu is linked statically and computes nothing itself: it answers CPUID from a table. So which gcc
made it changes no number, and where it lies is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from nixrepro import lock as locks
from nixrepro.errors import NixreproError

_NONE = (
    "neither run's lock has gcc, of which the virtual CPU is made, nor has the project's: add gcc "
    "to packages in [tool.nixrepro.base] and run `nixrepro lock`, then this again"
)


@dataclass(frozen=True)
class Compilers:
    """The locks with gcc that there are.

    Args:
        texts: theirs, the best first.
    """

    texts: tuple[str, ...] = ()

    @property
    def lack(self) -> str:
        """Why there is none; "" where there is one."""
        return "" if self.texts else _NONE

    def beside(self, text: str) -> str:
        """The lock to take gcc from for a tree with some lock; "" where that has its own."""
        return "" if _has(text) else next(iter(self.texts), "")


def among(texts: Iterable[str]) -> Compilers:
    """Those of some texts that are a lock with gcc."""
    return Compilers(tuple(text for text in dict.fromkeys(texts) if _has(text)))


@cache
def _has(text: str) -> bool:
    try:
        lock = locks.parse(text)
    except NixreproError:
        return False
    return any(
        each.name == "gcc" and each.layer == "system" and not each.role for each in lock.artefacts
    )

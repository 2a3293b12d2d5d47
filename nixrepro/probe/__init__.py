"""Fingerprints of the arithmetic of an environment on a machine: taken, read and compared."""

from nixrepro.probe.compare import Differing, compare, compared, reason, unsaid

__all__ = ["Differing", "compare", "compared", "reason", "unsaid"]

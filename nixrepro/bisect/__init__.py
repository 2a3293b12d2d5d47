"""Finds which of many differing packages changes the numbers, by training on mixes of two locks."""

from nixrepro.bisect.model import Bisection
from nixrepro.bisect.stage import Asked, bisect

__all__ = ["Asked", "Bisection", "bisect"]

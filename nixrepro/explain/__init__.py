"""Why two runs' numbers differ, shown by running one again with parts of the other."""

from nixrepro.explain.model import Explanation, State
from nixrepro.explain.numbers import numbers
from nixrepro.explain.stage import explain

__all__ = ["Explanation", "State", "explain", "numbers"]

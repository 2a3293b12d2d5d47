"""Finds the smallest set of differences that makes A's numbers B's, in few trials: delta debugging.

Whoever looks for one guilty part among many can halve them: take the first half from B and look.
Here several such trials go side by side. With two of them the parts fall into thirds: the first
third from B, and the first two thirds. The first trial that gives B's numbers holds the guilty
part, the one before it does not. So 40 parts take 8 such trials where halves, each tried by
itself, take 12.

What is found that way was found beside all parts that stood before it. So it is tried alone; if
that isn't enough, it works only together with others, which are looked for in the same way while
it is there. A mix that can't be built, or whose program fails, says nothing: then other mixes are
tried, of finer parts, and with parts left out. In the end nothing of what was found can be left
out; each such lack is tried itself, not concluded.

Source: A. Zeller, "Yesterday, my program worked. Today, it does not. Why?" (ESEC/FSE 1999), for
interference, unresolved outcomes and finer parts; U. Junker, "QuickXplain" (AAAI 2004), for
finding one part after the other on what is known.
"""

from nixrepro.delta.model import Chosen, Closure, Enough, Found, Outcome, Step, Test
from nixrepro.delta.search import most, search

__all__ = [
    "Chosen",
    "Closure",
    "Enough",
    "Found",
    "Outcome",
    "Step",
    "Test",
    "most",
    "search",
]

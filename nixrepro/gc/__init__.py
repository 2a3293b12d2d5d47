"""Lists what a project keeps from Nix's garbage collector, and lets go of it."""

from nixrepro.gc.environments import Kept, drop, keep_data, keep_recorded, kept, let_go
from nixrepro.gc.trials import KeptTrials, kept_trials

__all__ = [
    "Kept",
    "KeptTrials",
    "drop",
    "keep_data",
    "keep_recorded",
    "kept",
    "kept_trials",
    "let_go",
]

"""Launches logged experiments again, in the environments that they were logged with."""

from nixrepro.relaunch.changes import said
from nixrepro.relaunch.keys import Changes, parse
from nixrepro.relaunch.origin import Origin, opened
from nixrepro.relaunch.stage import relaunch

__all__ = ["Changes", "Origin", "opened", "parse", "relaunch", "said"]

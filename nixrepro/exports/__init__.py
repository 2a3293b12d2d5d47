"""Writes what a lock pins of Python as other tools read it."""

from nixrepro.exports.distributions import distributions
from nixrepro.exports.place import check_place
from nixrepro.exports.pylock import pylock
from nixrepro.exports.requirements import requirements

# What each format is made by: text(lock, folder of the files of which no URL is known).
FORMATS = {"pylock.toml": pylock, "requirements.txt": requirements}

__all__ = ["FORMATS", "check_place", "distributions", "pylock", "requirements"]

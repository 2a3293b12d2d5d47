"""Repeats recorded runs: the tree, the environment and the settings of the record, apart."""

from nixrepro.repeat.integrity import check, files, problems, unsound
from nixrepro.repeat.realised import OtherEnvironment
from nixrepro.repeat.stage import repeat

__all__ = ["OtherEnvironment", "check", "files", "problems", "repeat", "unsound"]

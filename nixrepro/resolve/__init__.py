"""Turns what a project asks for into artefacts with names, versions and hashes."""

from nixrepro.resolve.whole import Resolve, resolve

__all__ = ["Resolve", "resolve"]

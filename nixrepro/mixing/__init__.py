"""Mixes two locks: what differs, what of it must move together, and the lock in between."""

from nixrepro.mixing.entries import Entry, entries, uncounted
from nixrepro.mixing.mix import mixed
from nixrepro.mixing.read import reader
from nixrepro.mixing.stated import Offer, Stated, Wish
from nixrepro.mixing.units import Unit, closed, units

__all__ = [
    "Entry",
    "Offer",
    "Stated",
    "Unit",
    "Wish",
    "closed",
    "entries",
    "mixed",
    "reader",
    "uncounted",
    "units",
]

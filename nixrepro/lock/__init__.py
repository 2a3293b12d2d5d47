"""The lock: every artefact of a closure, pinned, and the question that it answers."""

from nixrepro.lock.compare import Change, Move, changes, compare
from nixrepro.lock.model import FILE, LAYERS, VERSION, Artefact, Lock, order, store_name
from nixrepro.lock.reader import load, parse, save
from nixrepro.lock.sets import lacking
from nixrepro.lock.writer import dumps

__all__ = [
    "FILE",
    "LAYERS",
    "VERSION",
    "Artefact",
    "Change",
    "Lock",
    "Move",
    "changes",
    "compare",
    "dumps",
    "lacking",
    "load",
    "order",
    "parse",
    "save",
    "store_name",
]

"""Fetches what a lock names and the store lacks, each file checked before the store sees it."""

from nixrepro.fetch.download import CacheError, Store, Unavailable
from nixrepro.fetch.places import Places
from nixrepro.fetch.project import Outcome, bring, complete
from nixrepro.fetch.stage import Report, fetch, lacking, wanted
from nixrepro.fetch.transfer import WrongFile

__all__ = [
    "CacheError",
    "Outcome",
    "Places",
    "Report",
    "Store",
    "Unavailable",
    "WrongFile",
    "bring",
    "complete",
    "fetch",
    "lacking",
    "wanted",
]

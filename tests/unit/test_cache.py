"""The cache lies where the user's variables say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nixrepro import cache
from nixrepro.fetch import stage
from nixrepro.resolve import system


def test_where_the_cache_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.folder("debian", {"XDG_CACHE_HOME": "/c"}) == Path("/c/nixrepro/debian")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder("x", {}) == tmp_path / ".cache/nixrepro/x"
    assert cache.folder("x", {}) == cache.folder("x", {"XDG_CACHE_HOME": "relative"})
    monkeypatch.setitem(os.environ, "XDG_CACHE_HOME", str(tmp_path / "own"))
    assert cache.folder("x") == tmp_path / "own" / "nixrepro" / "x"


def test_all_that_is_cached_lies_there() -> None:
    assert stage.folder is cache.folder
    assert system.folder is cache.folder

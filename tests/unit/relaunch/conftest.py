"""A project of a test's own, whose runs are recorded and launched again for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..lab import Lab, furnish


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    made = Lab(tmp_path)
    furnish(made, monkeypatch)
    return made

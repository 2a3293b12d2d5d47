"""The file of correctly rounded results is what MPFR gives, byte for byte."""

from __future__ import annotations

import runpy
from pathlib import Path

from nixrepro.runtime.probe import reference

ROOT = Path(__file__).parents[2]


def test_the_references_are_made_again() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "reference"))["made"]
    assert made() == Path(reference.FILE).read_bytes()

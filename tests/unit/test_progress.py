"""Amounts as people read them."""

from __future__ import annotations

import pytest

from nixrepro.progress import amount


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (273_829_956, "273.8 MB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_amounts_are_read_by_people(size: int, text: str) -> None:
    assert amount(size) == text

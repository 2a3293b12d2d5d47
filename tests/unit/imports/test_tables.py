"""What all readers of lock files take from them in the same way."""

from __future__ import annotations

import pytest

from nixrepro.imports import tables, wanted

A, B = "ab" * 32, "CD" * 32


def test_only_sha256_digests_are_taken() -> None:
    hashes = (f"sha256:{B}", A, f"blake2s:{'0' * 64}", "md5:00", "sha256:00", f"sha256:{A}")
    assert tables.sha256(hashes) == (A, B.lower())


@pytest.mark.parametrize(
    ("marker", "settled"),
    [
        ("", ""),
        ("extra == 'bar'", ""),
        ('os_name == "nt"', 'os_name == "nt"'),
        ('"a" == extra and os_name == "nt"', "python_version >= '0' and os_name == \"nt\""),
    ],
)
def test_what_is_pinned_for_an_extra_is_pinned(marker: str, settled: str) -> None:
    assert tables.without_extras(marker) == settled


def test_markers_are_put_together_as_they_mean() -> None:
    assert wanted.either("a", "", "b") == ""  # one of them always holds
    assert wanted.either("a", "a") == "a"
    assert wanted.both("a or b", "", "c") == "(a or b) and c"

"""flake.lock is byte for byte what Nix writes, and is never replaced."""

from pathlib import Path

import pytest

from nixrepro import flake_lock
from nixrepro.errors import LockError

# As Nix 2.8.0 wrote it.
WRITTEN = (Path(__file__).parent / "recorded" / "flake.lock").read_text()


def test_it_is_what_nix_writes(tmp_path: Path) -> None:
    assert flake_lock.ensure(tmp_path) is True
    assert (tmp_path / "flake.lock").read_text() == WRITTEN


def test_one_that_is_there_stays(tmp_path: Path) -> None:
    other = WRITTEN.replace("ac62194c", "bc62194c")
    (tmp_path / "flake.lock").write_text(other)
    assert flake_lock.ensure(tmp_path) is False
    assert (tmp_path / "flake.lock").read_text() == other


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"nodes": []}', WRITTEN.replace('"narHash"', '"hash"')]
)
def test_one_that_pins_nothing_is_refused_and_stays(tmp_path: Path, text: str) -> None:
    (tmp_path / "flake.lock").write_text(text)
    with pytest.raises(LockError) as caught:
        flake_lock.ensure(tmp_path)
    assert "nixrepro lock" in caught.value.hint
    assert (tmp_path / "flake.lock").read_text() == text

"""The one binary of the project is Debian's, byte for byte, and its licence note says which."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_seed_is_the_file_that_the_licence_note_names() -> None:
    note = (ROOT / "LICENSES/README.md").read_text()
    named = re.findall(r"sha256 +([0-9a-f]{64})", note)
    assert named == [hashlib.sha256((ROOT / "nix/seed/busybox").read_bytes()).hexdigest()]


def test_the_seed_is_a_static_executable() -> None:
    data = (ROOT / "nix/seed/busybox").read_bytes()
    assert data[:5] == b"\x7fELF\x02"
    start, size, count = (
        int.from_bytes(data[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58))
    )
    kinds = [int.from_bytes(data[start + n * size :][:4], "little") for n in range(count)]
    interpreter = 3
    assert kinds
    assert interpreter not in kinds

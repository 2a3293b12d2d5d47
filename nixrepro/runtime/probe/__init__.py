"""Takes a fingerprint of the arithmetic of this environment on this machine; see docs/probe.md."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    # A function's name, the bytes of its results, and its largest error in ulp or None where there
    # is nothing to compare with.
    Part = tuple[str, bytes, Any]

"""How names of files are shown: whatever they hold, on one line, and the first few of many."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

FEW = 5


def shown(name: bytes) -> str:
    """A name as text; control characters and what is no UTF-8 are spelled out."""
    text = name.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def some(items: Sequence[str], between: str = ", ", few: int = FEW) -> str:
    """The first few of some items, and how many more there are."""
    if len(items) <= few + 1:
        return between.join(items)
    return between.join(items[:few]) + f"{between}and {len(items) - few} more"


def counted(number: int, name: str = "file") -> str:
    """A number with what it counts, such as "1 file" or "100,000 files"."""
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def size(number: float) -> str:
    """Bytes, as a person says them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":  # noqa: PLR2004
            break
        number /= 1000
    return f"{number:.1f} {unit}" if unit != "bytes" else f"{number:.0f} bytes"


def relative(path: bytes, top: bytes) -> bytes:
    """A path below a folder, relative to it; of the folder itself its own name."""
    return path[len(top) + 1 :] if path.startswith(top + b"/") else os.path.basename(path)

"""Which kernels of oneDNN took part in something: as oneDNN itself says."""

from __future__ import annotations

import os

# What oneDNN says of each thing it executes, and of what it only rearranges.
_EXECUTED, _REARRANGED = ",exec,", ("reorder", "sum", "concat")


class Said:
    """What oneDNN writes to standard output, which is a file without a name from now on."""

    def __init__(self) -> None:
        os.environ["ONEDNN_VERBOSE"] = "1"
        os.environ["DNNL_VERBOSE"] = "1"  # as it was called until 2021
        self.file = os.memfd_create("said")
        os.dup2(self.file, 1)
        self.read = 0

    def since(self) -> list[str]:
        """The kernels that it has executed since the last time, each once: `matmul brg:avx2`."""
        size = os.fstat(self.file).st_size
        text = os.pread(self.file, size - self.read, self.read).decode(errors="replace")
        self.read = size
        return executed(text)


def executed(text: str) -> list[str]:
    """The kernels that lines of oneDNN name, without those that only rearrange."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        if _EXECUTED in line:
            _, kind, kernel, *_ = [*line.split(_EXECUTED, 1)[1].split(","), "", ""]
            if kind not in _REARRANGED:
                found[f"{kind} {kernel}".strip()] = None
    return list(found)

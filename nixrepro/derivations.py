"""Reads derivations as they lie in the store: what each makes, and from what."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Derive([outputs],[derivations it needs],[sources it needs],system,builder,...
_SHAPE = re.compile(r"Derive\(\[(\(.*?\))\],\[(.*?)\],\[((?:\"[^\"]*\",?)*)\],\"", re.DOTALL)
_OUTPUT = re.compile(r'\("([^"]*)","([^"]*)","([^"]*)","([^"]*)"\)')
_INPUT = re.compile(r'\("([^"]*)",\[(?:"[^"]*",?)*\]\)')


@dataclass(frozen=True)
class Derivation:
    """One derivation of this library, which has one output.

    Args:
        path: its own store path.
        output: the store path that it makes.
        fixed: whether it is a download, known by its hash.
        inputs: store paths of the derivations whose outputs it reads.
        sources: store paths that it reads and nothing makes.
    """

    path: str
    output: str
    fixed: bool
    inputs: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name, without hash and ending."""
        return self.path.rpartition("/")[2][33:].removesuffix(".drv")


def parse(path: str, text: str) -> Derivation:
    """Read a `.drv` file.

    Raises:
        ValueError: it is none, or has not exactly one output.

    Source: "Store Derivation and Deriving Path" of the Nix manual, the ATerm format.
    """
    match = _SHAPE.match(text)
    outputs = _OUTPUT.findall(match[1]) if match else []
    if not match or len(outputs) != 1:
        raise ValueError(f"{path} is no derivation with one output")
    (_, output, algorithm, _), *_ = outputs
    return Derivation(
        path=path,
        output=output,
        fixed=bool(algorithm),
        inputs=tuple(_INPUT.findall(match[2])),
        sources=tuple(re.findall(r'"([^"]+)"', match[3])),
    )

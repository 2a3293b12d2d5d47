"""Nix's own base 32, in which it spells store paths and hashes."""

from __future__ import annotations

_DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"


def encode(data: bytes) -> str:
    """The digits of some bytes, the last byte's first.

    Source: "Nix32 Encoding" of the Nix manual.
    """
    number = int.from_bytes(data, "little")
    length = (len(data) * 8 + 4) // 5
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(length)))


def decode(text: str) -> bytes:
    """The bytes that some digits say.

    Raises:
        ValueError: they are no digits of it.
    """
    number = 0
    for digit in text:
        number = number << 5 | _DIGITS.index(digit)
    return number.to_bytes(len(text) * 5 // 8, "little")

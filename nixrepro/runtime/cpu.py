"""What the CPU says of itself: its CPUID table, and what a table promises.

A table is a list of lines as `vcpu --show` prints them: leaf, subleaf or `*` for any, then EAX,
EBX, ECX and EDX, in hexadecimal. The XSAVE layout (leaf D) and a core's own number are left out.
"""

from __future__ import annotations

import os

from .cpu_features import (
    CACHES,
    answering,
    caches,
    features,
    known,
    lacking,
    named,
    signature,
    vendor,
)
from .machine_code import placed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .cpu_features import Answers, Ask

# CPUID by the C calling convention: rdi where the answers go, esi the leaf, edx the subleaf.
#   push rbx; mov eax, esi; mov ecx, edx; cpuid
#   mov [rdi], eax; mov [rdi+4], ebx; mov [rdi+8], ecx; mov [rdi+12], edx; pop rbx; ret
_CODE = bytes.fromhex("5389f089d10fa28907895f04894f0889570c5bc3")

_BASES = (0, 0x40000000, 0x80000000)
_HYPERVISOR = _BASES[1]
_LAYOUT = 0xD
_DEEP = (0xB, 0x1F, 0x12, 0x14, 0x17, 0x18, 0x1D, 0x80000026)
_WORDS_OF_A_LINE = 6

__all__ = [
    "answering",
    "caches",
    "digest",
    "features",
    "known",
    "lacking",
    "named",
    "parse",
    "signature",
    "table",
    "vendor",
]


def table() -> list[str] | dict[str, str]:
    """This machine's table, as the CPU answers this very process; a reason where it can't be had.

    Cores of one machine may answer otherwise, so the lowest that this process may use is asked.
    Costs about half a millisecond; the C library must be open already, which takes two.
    """
    machine = os.uname().machine
    if machine != "x86_64":
        return {"unknown": f"a {machine} has no CPUID"}
    usable = _pin()
    try:
        return list(_lines(_ask()))
    except (OSError, ImportError) as error:
        return {"unknown": f"CPUID can't be asked: {error}"}
    finally:
        if usable:
            _stay(usable)


def _pin() -> set[int]:
    """Stay on the lowest core that may be used; gives all of them, none where that can't be."""
    try:
        usable = os.sched_getaffinity(0)
    except OSError:
        return set()
    return usable if _stay({min(usable)}) else set()


def _stay(cores: set[int]) -> bool:
    try:
        os.sched_setaffinity(0, cores)
    except OSError:
        return False
    return True


def parse(text: str) -> list[str]:
    """The lines of a table in a file's text, without comments, spelled as `table` spells them.

    Raises:
        ValueError: a line is none; its only argument is the line's number.
    """
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            leaf, subleaf, *answers = (-1 if word == "*" else int(word, 16) for word in words)
            whole = all(0 <= value < 1 << 32 for value in (leaf, *answers))
            if len(words) != _WORDS_OF_A_LINE or not whole or "*" in (words[0], *words[2:]):
                raise ValueError
        except ValueError:
            raise ValueError(number) from None
        found.append(_line(leaf, subleaf, (answers[0], answers[1], answers[2], answers[3])))
    if not found:
        raise ValueError(1)
    return found


def digest(lines: Iterable[str]) -> str:
    """SHA-256 of a table's lines: two tables with one digest are the same CPU to every program."""
    from .canonical import small

    return small("".join(f"{line}\n" for line in lines).encode())


def _line(leaf: int, subleaf: int, answers: Answers) -> str:
    sub = " *" if subleaf < 0 else f"{subleaf:2x}"
    return f"{leaf:08x} {sub} " + " ".join(f"{value:08x}" for value in answers)


def _lines(ask: Ask) -> Iterator[str]:
    """The table of a CPU that can be asked; the same leaves as vcpu's table_write."""
    for base in _BASES:
        last = ask(base, 0)[0]
        if not base <= last <= base + 0xFF:
            continue
        if base == _HYPERVISOR:
            if not ask(1, 0)[2] >> 31:
                continue  # no hypervisor, no leaves of one
            last = base  # its name: some of Xen's others are numbers of the one core
        for leaf in range(base, last + 1):
            if leaf == _LAYOUT:
                continue
            many = _many(leaf, ask)
            if not many:
                yield _line(leaf, -1, _coreless(leaf, ask(leaf, 0)))
            for subleaf in range(many):
                answers = ask(leaf, subleaf)
                yield _line(leaf, subleaf, _coreless(leaf, answers))
                if leaf in CACHES and not answers[0] & 31:
                    break


def _many(leaf: int, ask: Ask) -> int:
    """How many subleaves of a leaf are asked for; 0 for one that has none."""
    if leaf in CACHES:
        return 16
    if leaf == 7:  # noqa: PLR2004
        return (ask(7, 0)[0] + 1) & 0xFFFFFFFF
    return 4 if leaf in _DEEP else 0


def _coreless(leaf: int, answers: Answers) -> Answers:
    """Without the number of the core that this runs on."""
    a, b, c, d = answers
    if leaf == 1:
        return a, b & 0x00FFFFFF, c, d
    if leaf in (0xB, 0x1F, 0x80000026):
        return a, b, c, 0
    if leaf == 0x8000001E:  # noqa: PLR2004
        return 0, b & ~0xFF, c & ~0xFF, d
    return answers


def _ask() -> Ask:
    """CPUID itself, as machine code in memory of our own.

    Raises:
        OSError: the system gives no such memory.
        ImportError: this Python has no ctypes.
    """
    import ctypes

    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
    call = kind(placed(_CODE))
    answers = (ctypes.c_uint32 * 4)()
    where = ctypes.addressof(answers)

    def ask(leaf: int, subleaf: int) -> Answers:
        call(where, leaf, subleaf)
        return answers[0], answers[1], answers[2], answers[3]

    return ask

"""Tables of CPUID and probes, each said in a line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nixrepro import diff
from nixrepro.diff import arithmetic, document, known, text
from nixrepro.diff.model import Difference

from .conftest import Make

HEAD = "00000000  * 00000007 756e6547 6c65746e 49656e69"
WIDE = "00000007  0 00000000 00010020 00000000 00000000"
PLAIN = "00000007  0 00000000 00000020 00000000 00000000"


def test_two_tables_in_a_line() -> None:
    assert arithmetic.tables((HEAD, WIDE), (HEAD, PLAIN)) == (
        "1 of 2 answers of CPUID differ; lacks avx512f"
    )
    assert arithmetic.tables((PLAIN,), (WIDE, HEAD)) == (
        "2 of 2 answers of CPUID differ; has avx512f besides"
    )
    other = "00000004  0 00000121 01c0003f 0000003f 00000000"
    assert arithmetic.tables((HEAD,), (HEAD, other)) == (
        "1 of 2 answers of CPUID differ; no feature does"
    )


def test_functions_by_their_library() -> None:
    names = [f"libm.{name}" for name in "abcdefghij"]
    assert arithmetic.functions([*names, "cpu.rcpps"]) == [
        "libm: a, b, c, d, e, f and 4 more",
        "cpu: rcpps",
    ]


def probed(**functions: str) -> dict[str, Any]:
    return {
        "digest": "1",
        "functions": {f"libm.{name}": {"digest": value} for name, value in functions.items()},
    }


def compared(make: Make, one: Any, two: Any, *tables: tuple[str, ...]) -> Difference:
    sides = []
    for name, probe, table in zip("ab", (one, two), tables or ((), ()), strict=True):

        def edit(document: dict[str, Any], probe: Any = probe, table: Any = table) -> None:
            document["probe"] = probe
            if table:
                document["layers"]["hardware"]["cpu"]["table"] = list(table)

        sides.append(known.of_record(make(name, edit)))
    return diff.difference(sides[0].record.folder, *sides)  # type: ignore[union-attr]


def test_probes_are_a_difference_of_their_own(make: Make) -> None:
    found = compared(make, probed(erf="1", sin="1"), probed(erf="2", sin="1"))
    assert not found.layers and not found.same
    lines = text.lines(found)
    assert lines[lines.index("arithmetic, by probe") + 1] == "  libm: erf"
    (told,) = document.of(found)["probe"]
    assert told["function"] == "libm.erf" and told["b"] == {"digest": "2"}
    assert replace(found, probe=()).same


def test_a_probe_that_is_not_known_is_no_difference(make: Make) -> None:
    found = compared(make, probed(erf="1"), {"unknown": "it could not be taken"})
    assert found.probe == () and found.same


def test_the_table_stands_for_the_flags(make: Make) -> None:
    found = compared(make, None, None, (HEAD, WIDE), (HEAD, PLAIN))
    (line,) = (line for line in text.lines(found) if line.startswith("  cpu.table"))
    assert line == "  cpu.table  1 of 2 answers of CPUID differ; lacks avx512f"
    # JSON has both whole.
    (change,) = document.of(found)["layers"]["hardware"]["changes"]
    assert change["a"] == (HEAD, WIDE)

"""What a probe computes with and compares with: inputs, references, machine code."""

from __future__ import annotations

import math
import struct
from array import array
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.runtime.probe import inputs, instructions, libm, onednn, reference, whole
from nixrepro.runtime.probe.functions import CHECKED, FUNCTIONS, POINTS, Span

FLOATS = st.floats(2.0**-100, 2.0**100, width=32)


def test_inputs_are_the_same_for_ever() -> None:
    """What they are is a part of every digest: another one would tell all machines apart."""
    span = Span(-12, 20)
    assert list(inputs.numbers("d", span)[:2]) == [0.007549329049838562, 6171.356487412635]
    assert list(inputs.numbers("f", span)[:2]) == [0.004006172064691782, 6218.337890625]
    assert inputs.words("a", 1).hex() == "85c8de88d28866bf"


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
@pytest.mark.parametrize("kind", ["d", "f"])
def test_inputs_lie_in_their_span(function: Any, kind: str) -> None:
    for span, numbers in zip(function.spans(kind), inputs.arguments(function, kind), strict=True):
        assert len(numbers) == POINTS
        exponents = {math.frexp(number)[1] - 1 for number in numbers}
        assert exponents == set(range(span.low, span.high + 1))
        assert any(number < 0 for number in numbers) is span.signed


def test_two_arguments_are_not_the_same_numbers() -> None:
    span = Span(-12, 6)
    assert inputs.numbers("d", span, 0) != inputs.numbers("d", span, 1)


@given(FLOATS, st.integers(-200, 200))
def test_an_error_is_counted_in_units_of_the_last_place(x: float, steps: int) -> None:
    (bits,) = struct.unpack("<I", struct.pack("<f", x))
    (other,) = struct.unpack("<f", struct.pack("<I", bits + steps))
    if math.frexp(other)[1] == math.frexp(x)[1]:
        assert reference.largest([other], [x], "f") == abs(steps)


@given(FLOATS, st.floats(-0.5, 0.5))
def test_what_rounding_took_away_counts_too(x: float, part: float) -> None:
    """The exact number is x and a part of an ulp; x itself is as far off as that part."""
    rest = round(part * reference.STEPS)
    assert reference.largest([x], [x], "f", [rest]) == round(abs(rest) / reference.STEPS, 2)


def test_the_largest_error_counts_and_no_number_is_the_largest_of_all() -> None:
    assert reference.largest([1.0, 2.0 + 2**-20, 4.0], [1.0, 2.0, 4.0], "f") == 4
    assert reference.largest([1.0, math.nan], [1.0, 2.0], "d") == 2**53


def test_the_references_of_square_roots_are_those_of_python() -> None:
    """IEEE 754 defines them; their rest is what the square of the rounded one lacks."""
    for kind, precision in (("d", 53), ("f", 24)):
        rounded, rest = reference.results()["sqrt", kind]
        assert len(rounded) == len(rest) == CHECKED
        for x, root, above in zip(_roots(kind), rounded, rest, strict=True):
            exact = Fraction(x)
            ulp = Fraction(2) ** (math.frexp(root)[1] - precision)
            # Half an ulp above is said as 127 steps: a signed byte has no 128.
            low = Fraction(root) + ulp * Fraction(above - 1, reference.STEPS)
            high = Fraction(root) + ulp * Fraction(above + 1, reference.STEPS)
            assert low**2 <= exact <= high**2
            if kind == "d":
                assert root == math.sqrt(x)


def _roots(kind: str) -> array[float]:
    return inputs.numbers(kind, Span(-30, 30, signed=False))[:CHECKED]


def test_libm_is_probed_function_by_function() -> None:
    found = {name: (data, ulp) for name, data, ulp in libm.found()}
    assert len(found) > 60
    for name, (data, ulp) in found.items():
        single = name.endswith("f") and name != "libm.erf"
        assert len(data) == POINTS * (4 if single else 8), name
        # Correctly rounded is 0.5; no C library in use is off by more than some.
        assert 0.4 < ulp < 12, name
    assert found["libm.sqrt"][1] == found["libm.sqrtf"][1] == 0.5
    assert dict((name, data) for name, data, _ in libm.found()) == {
        name: data for name, (data, _) in found.items()
    }


def test_the_approximate_instructions_are_executed() -> None:
    """Twelve bits of 24 at least; all forms of four and eight at once agree with one at once."""
    found = {name: (data, ulp) for name, data, ulp in instructions.found()}
    assert {"cpu.rcpss", "cpu.rcpps", "cpu.rsqrtss", "cpu.rsqrtps"} <= set(found)
    for name, (data, ulp) in found.items():
        assert len(data) == POINTS * 4
        assert ulp <= 1.5 * 2**12, name
    assert found["cpu.rcpss"] == found["cpu.rcpps"]
    assert found["cpu.rsqrtss"] == found["cpu.rsqrtps"]
    assert found["cpu.rcpps"] != found["cpu.rsqrtps"]


def test_machine_code_computes_what_it_says() -> None:
    root = instructions._Form("sse", 16, "0f1006", "0f{:02x}c0", "0f1107")
    given_ = array("f", [float(i * i) for i in range(POINTS)])
    got = instructions.called(root.code(0x51), given_, 16)  # SQRTPS
    assert list(got) == [float(i) for i in range(POINTS)]


def test_what_onednn_says_is_read() -> None:
    """As oneDNN 3.7 says it, reorders and other remarks between."""
    text = (
        "onednn_verbose,v1,info,cpu,runtime:threadpool,nthr:2\n"
        "onednn_verbose,v1,primitive,info,template:operation,engine,primitive\n"
        "onednn_verbose,v1,primitive,exec,cpu,reorder,jit:uni,undef,src_f32::blocked:a::f0,0.01\n"
        "onednn_verbose,v1,primitive,exec,cpu,matmul,brg_matmul:avx512_core,undef,src_f32,0.02\n"
        "onednn_verbose,v1,primitive,exec,cpu,gemm_api,,undef,src_f32::N,4x4:4x4,0.02\n"
        "onednn_verbose,v1,primitive,exec,cpu,gemm_api,,undef,src_f32::N,4x4:4x4,0.03\n"
        "dnnl_verbose,exec,cpu,convolution,jit:avx2,forward_training,src_f32,0.1\n"
    )
    assert onednn.executed(text) == [
        "matmul brg_matmul:avx512_core", "gemm_api", "convolution jit:avx2",
    ]  # fmt: skip


def test_the_digest_is_of_the_results_alone() -> None:
    functions = {"a.b": {"digest": "1", "ulp": 0.5, "by": ["x"]}, "c": {"unknown": "why"}}
    plain = {"a.b": {"digest": "1"}, "c": {"unknown": "another reason"}}
    assert whole.whole(functions) == whole.whole(plain)
    assert whole.whole(functions) != whole.whole({"a.b": {"digest": "2"}})

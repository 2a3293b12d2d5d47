"""Two probes, function by function."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nixrepro.probe import Differing, compare, compared, reason, unsaid

FUNCTIONS = st.dictionaries(
    st.sampled_from(["libm.erf", "libm.sin", "cpu.rcpps", "blas.float64.dot"]),
    st.one_of(
        st.fixed_dictionaries({"digest": st.sampled_from(["1", "2"])}),
        st.just({"unknown": "why"}),
    ),
)


def probe(**functions: str) -> dict[str, Any]:
    named = {f"libm.{name}": {"digest": digest} for name, digest in functions.items()}
    return {"digest": "0", "functions": named}


def test_a_function_that_differs_is_named_with_both_sides() -> None:
    (found,) = compare(probe(sin="1", erf="2"), probe(sin="1", erf="3"))
    assert found == Differing("libm.erf", {"digest": "2"}, {"digest": "3"})
    assert found.library == "libm"


def test_a_function_that_one_lacks_differs() -> None:
    assert compare(probe(sin="1"), probe()) == (("libm.sin", {"digest": "1"}, None),)
    assert compare(probe(), probe(sin="1")) == (("libm.sin", None, {"digest": "1"}),)


def test_an_operation_by_another_library_is_compared_with_the_same_operation() -> None:
    """Which library it was differs too, but only other bytes are another result."""
    one = {"functions": {"onednn.float32.matmul": {"digest": "1", "by": ["gemm_api"]}}}
    two = {"functions": {"eigen.float32.matmul": {"digest": "1"}}}
    assert compare(one, two) == compare(two, one) == ()
    two["functions"]["eigen.float32.matmul"] = {"digest": "2"}
    (found,) = compare(two, one)
    assert found == ("onednn.float32.matmul", {"digest": "2"}, {"digest": "1", "by": ["gemm_api"]})
    # Where one probe has both, each is what it is.
    two["functions"]["onednn.float32.matmul"] = {"digest": "1"}
    assert [each.name for each in compare(two, two)] == []


def test_an_error_in_ulp_alone_is_no_difference() -> None:
    """It is counted from the same bytes; a later reference may count it otherwise."""
    one, two = probe(sin="1"), probe(sin="1")
    two["functions"]["libm.sin"]["ulp"] = 0.5
    assert compare(one, two) == ()


def test_nothing_can_be_compared_with_what_is_unknown() -> None:
    for other in ({"unknown": "why"}, {}, None, {"digest": "0"}):
        assert reason(other)
    assert reason({"unknown": "why"}) == "why"
    assert not reason(probe())
    assert compare({"unknown": "why"}, probe(sin="1")) == ()


def test_what_neither_knows_is_named_and_not_counted() -> None:
    one, two = probe(sin="1"), probe(sin="1")
    one["functions"]["tensorflow"] = two["functions"]["tensorflow"] = {"unknown": "why"}
    assert compare(one, two) == ()
    assert (unsaid(one, two), compared(one, two)) == ({"tensorflow": "why"}, 1)
    assert (unsaid(one, probe(sin="1")), compared(one, {"unknown": "why"})) == ({}, 0)
    one["functions"] = {"onednn.float32.matmul": {"digest": "1"}}
    two["functions"] = {"eigen.float32.matmul": {"digest": "1"}}
    assert compared(one, two) == 1


@given(FUNCTIONS, FUNCTIONS)
def test_it_is_symmetric_and_sorted(a: dict[str, Any], b: dict[str, Any]) -> None:
    one, two = {"functions": a}, {"functions": b}
    found = compare(one, two)
    assert [(name, y, x) for name, x, y in found] == list(compare(two, one))
    assert [each.name for each in found] == sorted(each.name for each in found)
    assert not compare(one, one)
    assert {each.name for each in found} == {
        name
        for name in {*a, *b}
        if name not in a or name not in b or a[name].get("digest") != b[name].get("digest")
    }

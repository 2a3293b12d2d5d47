"""What differs between two results, by name and with both values."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nixrepro.repeat.compare import comparable, compare, layers_that_differ, relative

TENSORS = [{"name": "kernel", "sha256": "1" * 64}, {"name": "bias", "sha256": "2" * 64}]
DOCUMENT: dict[str, Any] = {
    "fingerprint": {"weights": "a" * 64, "metrics": "b" * 64},
    "result": {
        "fits": [
            {"model": 1, "epochs": [{"loss": 2.0}, {"loss": 1.0}], "tensors": TENSORS},
        ],
        "evaluations": [{"model": 1, "metrics": {"accuracy": 0.5}}],
        "logged": {"speed": {"count": 2, "last": 3.0, "digest": "c" * 64}},
        "data": [{"name": "x.npz", "sha256": "d" * 64, "pinned": False}],
    },
    "layers": {
        "hardware": {"cpu": {"model": "One", "flags": ["a"]}, "memory": 1},
        "wheels": [{"name": "numpy"}],
        "data": [{"name": "a", "pinned": True}],
        "settings": {"seed": 42},
    },
}


def changed(**more: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    for table, values in more.items():
        document[table].update(values)
    return document


def test_the_same() -> None:
    found = compare(DOCUMENT, changed())
    assert (found.findings, found.deviation, found.counted) == ((), 0.0, 5)


def test_metrics_with_both_values_where_they_first_part() -> None:
    other = changed()
    other["result"]["fits"][0]["epochs"] = [{"loss": 2.0}, {"loss": 1.1}, {"loss": 0.9}]
    other["result"]["evaluations"][0]["metrics"]["accuracy"] = 0.4
    found = compare(DOCUMENT, other)
    assert [(each.subject, each.reason) for each in found.metrics] == [
        ("loss", "1.0 was recorded, 1.1 came now in epoch 2"),
        ("test_accuracy", "0.5 was recorded, 0.4 came now"),
    ]
    assert found.deviation == float("inf")  # an epoch that was not there


def test_of_several_fits_the_place_is_named() -> None:
    two = changed()
    two["result"]["fits"] = [*two["result"]["fits"], {"epochs": [{"loss": 1.0}]}]
    other = copy.deepcopy(two)
    other["result"]["fits"][1]["epochs"][0]["loss"] = 2.0
    (finding,) = compare(two, other).metrics
    assert finding.reason == "1.0 was recorded, 2.0 came now in fit 2, epoch 1"


def test_weights_and_the_tensors_of_them() -> None:
    other = changed(fingerprint={"weights": "f" * 64})
    other["result"]["fits"][0]["tensors"] = [TENSORS[0], {"name": "bias", "sha256": "3" * 64}]
    found = compare(DOCUMENT, other)
    assert found.metrics == ()
    assert [(each.subject, each.reason) for each in found.others] == [
        ("weights", "aaaaaaaaaaaa was recorded, ffffffffffff came now"),
        ("tensors", "1 of 2 differ: bias"),
    ]


def test_two_tensors_of_one_name_are_two() -> None:
    twice = [TENSORS[0], TENSORS[0]]
    a, b = changed(), changed(fingerprint={"weights": "f" * 64})
    a["result"]["fits"][0]["tensors"] = twice
    b["result"]["fits"][0]["tensors"] = [TENSORS[0], {"name": "kernel", "sha256": "9" * 64}]
    assert compare(a, b).others[1].reason == "1 of 2 differ: kernel#1"


def test_values_that_were_logged_on_the_way() -> None:
    other = changed(fingerprint={"metrics": "e" * 64})
    other["result"]["logged"]["speed"]["digest"] = "0" * 64
    assert [each.subject for each in compare(DOCUMENT, other).findings] == ["metrics"]


def test_steps_count_where_both_have_them_alike() -> None:
    a = changed(result={"steps": {"every": 1, "count": 9, "digest": "1"}})
    b = changed(result={"steps": {"every": 1, "count": 9, "digest": "2"}})
    assert [each.subject for each in compare(a, b).findings] == ["steps"]
    assert compare(a, DOCUMENT).findings == ()
    c = changed(result={"steps": {"every": 2, "count": 4, "digest": "3"}})
    assert compare(a, c).findings == ()


def test_data_that_came_with_other_bytes() -> None:
    other = changed(result={"data": [{"name": "x.npz", "sha256": "e" * 64, "pinned": False}]})
    (finding,) = compare(DOCUMENT, other).findings
    assert (finding.subject, finding.layer) == ("x.npz", "data")


def test_what_is_unknown_on_both_sides_is_no_difference() -> None:
    unknown = {"weights": {"unknown": "a"}, "metrics": {"unknown": "b"}}
    a, b = (
        changed(fingerprint=unknown),
        changed(fingerprint={**unknown, "weights": {"unknown": ""}}),
    )
    assert compare(a, b).findings == ()
    assert not comparable(a) and comparable(DOCUMENT)
    assert [each.subject for each in compare(a, DOCUMENT).findings] == ["weights"]


def test_layers_with_what_differs_in_them() -> None:
    other = changed()
    other["layers"]["hardware"]["cpu"]["model"] = "Two"
    other["layers"]["hardware"]["memory"] = 2
    other["layers"]["wheels"] = []
    other["layers"]["data"].append({"name": "from the network", "pinned": False})
    assert layers_that_differ(DOCUMENT, other) == ["hardware (cpu.model, memory)", "wheels"]
    assert layers_that_differ(DOCUMENT, DOCUMENT) == []


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS)
def test_the_relative_difference_is_one_number_for_both_orders(a: float, b: float) -> None:
    found = relative(a, b)
    assert found == relative(b, a)
    assert found >= 0.0
    assert found > 0.0 or a == b


def test_what_is_no_number_is_the_same_or_not() -> None:
    assert relative("nan", "nan") == 0.0
    assert relative("nan", 1.0) == relative(1.0, "none") == float("inf")
    assert relative(1.0, 1.1) < 0.1 < relative(1.0, 1.2)

"""What differs between two results, by name and with both values."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.repeat.compare import Compared, comparable, compare, layers_that_differ
from nixrepro.repeat.logged import relative
from nixrepro.runtime.result import fingerprint, gather

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


def test_what_has_no_name_is_within_no_tolerance() -> None:
    found = compare(DOCUMENT, changed(fingerprint={"metrics": "e" * 64}))
    assert [each.subject for each in found.findings] == ["metrics"]
    assert found.deviation == float("inf")


Logs = tuple[dict[str, Any], Path]


def run(folder: Path, *events: tuple[int | None, dict[str, Any]]) -> Logs:
    """A record of what a program logged, and the folder with its events."""
    folder.mkdir()
    told = [
        {"event": "log", "pid": 1, "metrics": metrics, "step": step} for step, metrics in events
    ]
    (folder / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in told))
    result = gather(told)
    return {"fingerprint": fingerprint(result), "result": result}, folder


def between(a: Logs, b: Logs) -> Compared:
    return compare(a[0], b[0], (a[1], b[1]))


def said(found: Compared) -> list[tuple[str, str]]:
    return [(each.subject, each.reason) for each in found.findings]


def test_values_that_were_logged_on_the_way(tmp_path: Path) -> None:
    a = run(tmp_path / "a", *((step, {"loss": 1.0, "same": 2}) for step in range(10)))
    b = run(
        tmp_path / "b",
        *((step, {"loss": {3: 0.8, 7: 0.5}.get(step, 1.0), "same": 2}) for step in range(10)),
    )
    found = between(a, b)
    assert said(found) == [("loss at step 3", "1.0 was recorded, 0.8 came now")]
    # Not the first that differs but the worst is what a tolerance has to allow.
    assert (found.deviation, found.counted) == (0.5, 20)
    assert between(a, run(tmp_path / "c", *((n, {"loss": 1.0, "same": 2}) for n in range(10)))) == (
        Compared((), (), 0.0, 20)
    )


def test_the_series_that_parts_first_is_named_first(tmp_path: Path) -> None:
    a = run(tmp_path / "a", (1, {"b": 1.0}), (2, {"a": 1.0}), (None, {"end": 1.0}))
    b = run(tmp_path / "b", (1, {"b": 1.5}), (2, {"a": 1.5}), (None, {"end": 1.5}))
    assert [subject for subject, _ in said(between(a, b))] == ["b at step 1", "a at step 2", "end"]


def test_the_series_of_several_processes_need_not_be_mixed_alike(tmp_path: Path) -> None:
    one, two = ([(n, {name: n / 2}) for n in range(5)] for name in "xy")
    a = run(tmp_path / "a", *one, *two)
    b = run(tmp_path / "b", *two[:4], (4, {"y": 9.0}), *one)
    assert said(between(a, b)) == [("y at step 4", "2.0 was recorded, 9.0 came now")]


@pytest.mark.parametrize(
    ("now", "subject", "reason"),
    [
        ([(1, 0.5), (2, 0.5), (3, 0.5)], "loss at step 3", "none was recorded, 0.5 came now"),
        ([(1, 0.5)], "loss at step 2", "0.5 was recorded, none came now"),
        (
            [(1, 0.5), (5, 0.5)],
            "loss at value 2",
            "0.5 at step 2 was recorded, 0.5 at step 5 came now",
        ),
        (
            [(None, 0.5), (2, 0.5)],
            "loss at value 1",
            "0.5 at step 1 was recorded, 0.5 without a step came now",
        ),
        ([(1, 0.5), (2, "nan")], "loss at step 2", "0.5 was recorded, nan came now"),
        ([], "loss at step 1", "0.5 was recorded, none came now"),
    ],
)
def test_values_that_are_lacking_or_came_elsewhere_are_within_no_tolerance(
    tmp_path: Path, now: Any, subject: str, reason: str
) -> None:
    a = run(tmp_path / "a", (1, {"loss": 0.5}), (2, {"loss": 0.5}))
    found = between(a, run(tmp_path / "b", *((step, {"loss": value}) for step, value in now)))
    assert said(found) == [(subject, reason)]
    assert found.deviation == float("inf")


def test_values_without_a_step_are_counted(tmp_path: Path) -> None:
    a = run(tmp_path / "a", *((None, {"loss": value}) for value in (1.0, 0.5)))
    b = run(tmp_path / "b", *((None, {"loss": value}) for value in (1.0, 0.25)))
    assert said(between(a, b)) == [("loss at value 2", "0.5 was recorded, 0.25 came now")]


def test_only_the_sign_of_nothing(tmp_path: Path) -> None:
    a, b = (run(tmp_path / name, (1, {"loss": zero})) for name, zero in (("a", 0.0), ("b", -0.0)))
    found = between(a, b)
    assert said(found) == [("loss at step 1", "0.0 was recorded, -0.0 came now")]
    assert found.deviation == 0.0


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": lambda file: file.unlink(),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-9]),
    "other values": lambda file: file.write_text(file.read_text().replace("0.75", "0.5")),
    "no numbers": lambda file: file.write_text(file.read_text().replace("0.75", "NaN")),
    "no events": lambda file: file.write_text('"log"\n7\n[]\n{"event":"log"}\n'),
    "noise": lambda file: file.write_bytes(b'\xff\x00"log"' * 99),
    "deep": lambda file: file.write_text('"log"' + "[" * 99999),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", "ab")
def test_of_a_damaged_file_the_digests_are_said(tmp_path: Path, damage: str, which: str) -> None:
    a = run(tmp_path / "a", (1, {"loss": 0.75}), (2, {"loss": 0.5}))
    b = run(tmp_path / "b", (1, {"loss": 0.75}), (2, {"loss": 0.5000001}))
    assert between(a, b).deviation < 1e-6
    DAMAGE[damage](tmp_path / which / "events.jsonl")
    found = between(a, b)
    sums = [each["result"]["logged"]["loss"]["digest"][:12] for each, _ in (a, b)]
    reason = f"{sums[0]} was recorded, {sums[1]} came now"
    assert said(found) == [("loss (its digest)", reason)]
    assert found.deviation == float("inf")
    assert said(compare(a[0], b[0])) == said(found)


def test_a_single_value_stands_in_the_record(tmp_path: Path) -> None:
    a, b = (run(tmp_path / name, (1, {"loss": value})) for name, value in (("a", 1.0), ("b", 1.1)))
    assert said(compare(a[0], b[0])) == [("loss at step 1", "1.0 was recorded, 1.1 came now")]


VALUES = st.lists(
    st.tuples(
        st.none() | st.integers(0, 2),
        st.dictionaries(
            st.sampled_from("ab"), st.sampled_from([0.5, -0.0, 0, 1, "nan", [1.0]]), min_size=1
        ),
    ),
    max_size=5,
)


@given(VALUES, VALUES)
def test_there_is_a_finding_for_each_digest_that_differs(one: Any, two: Any) -> None:
    with TemporaryDirectory() as folder:
        a, b = run(Path(folder, "a"), *one), run(Path(folder, "b"), *two)
        found = between(a, b)
        old, new = (each["result"]["logged"] for each, _ in (a, b))
        differ = {n for n in "ab" if old.get(n, {}).get("digest") != new.get(n, {}).get("digest")}
        assert {each.subject[0] for each in found.metrics} == differ
        assert "digest" not in str(found)
        mirrored = between(b, a)
        assert (mirrored.deviation, mirrored.counted) == (found.deviation, found.counted)


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
    for entry in other["layers"]["data"]:
        entry["place"] = "/mnt/elsewhere"
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
    assert relative(10**400, 0.5) == float("inf")


def test_one_model_of_two_whose_weights_are_unknown() -> None:
    a, b = (changed(fingerprint={"weights": {"unknown": "x"}}) for _ in range(2))
    for each in (a, b):
        each["result"]["fits"].append({"model": 2, "epochs": [], "weights": {"unknown": "x"}})
    assert compare(a, b).findings == ()
    b["result"]["fits"][0]["tensors"] = [TENSORS[0], {"name": "bias", "sha256": "3" * 64}]
    assert [(f.subject, f.reason) for f in compare(a, b).findings] == [
        ("tensors", "1 of 2 differ: bias")
    ]


def test_of_several_fits_of_a_model_the_last_ones_tensors_count() -> None:
    other = [{**each, "sha256": "4" * 64} for each in TENSORS]
    a, b = (changed(fingerprint={"weights": digit * 64}) for digit in "12")
    for each, tensors in ((a, TENSORS), (b, other)):
        each["result"]["fits"].append({"model": 1, "epochs": [], "tensors": tensors})
    reasons = {f.subject: f.reason for f in compare(a, b).findings}
    assert reasons["tensors"] == "2 of 2 differ: kernel, bias"

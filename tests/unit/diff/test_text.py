"""A difference for people: sections for what differs, long lists cut, the rest in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nixrepro.canonical import json_bytes
from nixrepro.diff import Difference, compare, document
from nixrepro.diff.known import of_record
from nixrepro.diff.model import ADDED, CHANGED, CONTENT, REMOVED, Change, Part, Results, Unknown
from nixrepro.diff.results import compare as compare_results
from nixrepro.diff.text import SHOWN, fitted, lines
from nixrepro.runtime.result import gather

from .conftest import Make


def said(*parts: Part, results: Results | None = None) -> str:
    return "\n".join(lines(Difference("x", "y", parts, results or Results())))


def test_where_logged_values_part_is_said_with_both(make: Make) -> None:
    """In text and in JSON."""

    def logged(value: float) -> Callable[[dict[str, Any]], None]:
        told = {"event": "log", "metrics": {"loss": value}, "step": 151}
        return lambda document: document.update(result={"logged": gather([told])["logged"]})

    a, b = make("a", logged(0.58)), make("b", logged(0.61))
    found = compare(of_record(a), of_record(b), compare_results(a, b))
    text = lines(found)
    assert text[2].endswith("results part at the logged loss at step 151")
    place = text.index("  first part at the logged loss at step 151")
    assert text[place + 1] == "    0.58 -> 0.61"
    expected = {"where": "the logged loss at step 151", "a": "0.58", "b": "0.61"}
    assert document.of(found)["results"]["parting"] == expected


def test_nothing_differs(make: Make) -> None:
    record = make()
    side = of_record(record)
    found = compare(side, side, compare_results(record, record))
    assert lines(found, (side.about, ""))[:3] == [
        "a  run aaaaaaaaaaaa  (2026-03-01 10:00:00, done in 1.0 s, accuracy 0.9000, "
        "weights 777777777777)",
        "b  run aaaaaaaaaaaa",
        "no layer differs; same results",
    ]


def test_only_what_differs_has_a_section() -> None:
    text = said(
        Part("hardware", (Change("cpu.flags", CHANGED, ("a",), ("b",), ("+b", "-a")),)),
        Part(
            "system",
            (
                Change("libc6", CHANGED, "2.36", "2.37", ("libc.so.6", "libm.so.6")),
                Change("bash", CONTENT, "1" * 12, "2" * 12),
                Change("less", ADDED, None, "590"),
                Change("nano", REMOVED, "7", None),
            ),
        ),
        Part("wheels"),
        Part("settings", (Change("seed", CHANGED, 42, 43),)),
    )
    assert text.split("\n") == [
        "a  x",
        "b  y",
        "differ in hardware, system, settings",
        "",
        "hardware",
        "  cpu.flags  +b -a",
        "",
        "system",
        "  libc6  2.36 -> 2.37  (libc.so.6, libm.so.6)",
        "  same version, other content:",
        "    bash  111111111111 -> 222222222222",
        "  added:",
        "    less 590",
        "  removed:",
        "    nano 7",
        "",
        "settings",
        "  seed  42 -> 43",
    ]


def test_long_lists_are_cut_and_said_to_be() -> None:
    many = tuple(Change(f"p{number:03}", CHANGED, "1", "2") for number in range(50))
    text = said(Part("system", many))
    assert f"  and {50 - SHOWN} more (--json has all)" in text.split("\n")
    assert text.count("\n") < 30
    assert "more" not in said(Part("system", many[: SHOWN + 1]))
    everything = document.of(Difference("x", "y", (Part("system", many),), Results()))
    assert len(everything["layers"]["system"]["changes"]) == 50
    json_bytes(everything)


def test_code_short_and_long() -> None:
    change = (Change("tree", CHANGED, "a" * 40, "b" * 40),)
    short = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"
    assert said(Part("code", change, text=short)).endswith("  @@ -1 +1 @@\n  -1\n  +2")
    long = short + "".join(f"+{number}\n" for number in range(40)) + "--- no head\n"
    assert said(Part("code", change, text=long)).endswith("code\n  x  +41 -2")
    unknown = said(Part("code", change, (("git diff", "no git"),)))
    assert "  tree  aaaaaaaaaaaa -> bbbbbbbbbbbb" in unknown
    assert unknown.endswith("not compared\n  code.git diff: no git")


def test_results_side_by_side() -> None:
    results = Results(
        metrics=(("loss", 0.25, 0.2500000001, 1e-10), ("acc", 0.9, 0.8, -0.1), ("n", 1, 1, 0.0)),
        weights=("1" * 64, "2" * 64),
        tensors=(("k", "b"), 4),
        parting="epoch 2, step 17: the loss",
        values=("0.5", "nan"),
        same=False,
    )
    text = said(results=results)
    assert text.split("\n")[2:] == [
        "no layer differs; results part at epoch 2, step 17: the loss",
        "",
        "results",
        "  first part at epoch 2, step 17: the loss",
        "    0.5 -> nan",
        "  loss  0.25 -> 0.2500000001  (+1e-10)",
        "  acc   0.9000 -> 0.8000  (-0.1)",
        "  weights  111111111111 -> 222222222222",
        "    2 of 4 tensors: k, b",
    ]


def test_reasons_are_said_once() -> None:
    text = said(
        Part("hardware", unknown=(("a", "hidden"), ("b", "hidden"))),
        Part("code", unknown=(("", "no git"),)),
    )
    assert text.endswith("not compared\n  hardware.a, hardware.b: hidden\n  code: no git")


def test_json_of_all_layers(make: Make) -> None:
    def edit(found: dict[str, Any]) -> None:
        found["layers"]["hardware"]["cpu"]["flags"] = ["avx"]
        found["result"]["final"]["loss"] = "inf"
        found["result"]["fits"][0]["epochs"][0]["loss"] = "inf"

    one, two = make("a"), make("b", edit)
    found = compare(of_record(one), of_record(two), compare_results(one, two))
    told = json.loads(json_bytes(document.of(found)))
    assert told["same"] is False and told["format"] == 1
    assert {name: part["state"] for name, part in told["layers"].items()} == {
        "hardware": "differs", "system": "same", "accelerator": "same", "wheels": "same",
        "data": "same", "code": "same", "settings": "same", "store": "same",
    }  # fmt: skip
    assert told["layers"]["hardware"]["changes"] == [
        {
            "subject": "cpu.flags", "kind": "changed", "a": ["avx", "fma"], "b": ["avx"],
            "detail": ["-fma"],
        }
    ]  # fmt: skip
    assert told["layers"]["hardware"]["unknown"][0]["subject"] == "cpu.microcode"
    assert told["results"]["parting"]["where"] == "epoch 1: loss"
    assert told["results"]["metrics"][0] == {
        "name": "loss", "a": 0.25, "b": "inf", "difference": None,
    }  # fmt: skip


def test_an_unknown_value_in_json() -> None:
    part = Part("code", (Change("x", CHANGED, "1", Unknown("gone")),))
    told = document.of(Difference("x", "y", (part,), Results(unknown="only one side is a run")))
    assert told["layers"]["code"]["changes"][0]["b"] == {"unknown": "gone"}
    assert told["results"] == {"state": "unknown", "reason": "only one side is a run"}


def test_a_terminal_gets_the_whole_head_and_the_rest_cut() -> None:
    found = [
        "a  x",
        "b  y",
        "differ in system; results part at epoch 1",
        "",
        "system",
        "  " + "p" * 40,
    ]
    assert fitted(found, 30) == [
        "a  x",
        "b  y",
        "differ in system; results part",
        "   at epoch 1",
        "",
        "system",
        "  " + "p" * 25 + "...",
    ]
    assert fitted(found, 100) == found

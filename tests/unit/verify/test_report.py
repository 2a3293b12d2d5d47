"""The report says what was compared, shows what differs, and gives the exit code."""

from __future__ import annotations

import pytest

from nixrepro.verify import report
from nixrepro.verify.verdict import Finding, State, Verdict

FOUND = Finding("numpy", "was changed", "wheels", "nixrepro.lock", 12)
SAME = Verdict("lock", "git", State.SAME, "all is known", "9 files", (), 0.12345)
DIFFERS = Verdict("lock", "nixrepro.lock", State.DIFFERS, "edited", "9 artefacts", (FOUND,))
UNKNOWN = Verdict("closure", "", State.UNKNOWN, "no Nix")


def test_json_has_all() -> None:
    document = report.document([SAME, DIFFERS])
    assert document["format"] == 1
    assert document["state"] == "differs"
    assert document["verdicts"][0]["seconds"] == 0.123
    assert document["verdicts"][1]["findings"] == [
        {
            "subject": "numpy",
            "reason": "was changed",
            "layer": "wheels",
            "file": "nixrepro.lock",
            "line": 12,
        }
    ]


def test_a_row_for_each_verdict() -> None:
    assert report.rows([SAME, UNKNOWN]) == [
        ("lock: git", "same", "all is known", "9 files"),
        ("closure", "unknown", "no Nix", ""),
    ]


def test_findings_stand_below_their_check() -> None:
    assert report.details([SAME, DIFFERS, UNKNOWN]) == [
        "",
        "lock: nixrepro.lock",
        "  nixrepro.lock:12: numpy (wheels): was changed",
    ]


def test_many_findings_are_cut_and_counted() -> None:
    many = Verdict("closure", "", State.DIFFERS, "x", "", tuple([FOUND] * 25))
    lines = report.details([many])
    assert len(lines) == 23
    assert lines[-1] == "  and 5 more; --json has all"


def test_the_summary_counts() -> None:
    assert (
        report.summary([SAME, SAME, UNKNOWN], 0.21) == "nixrepro verify: 2 same, 1 unknown (0.2 s)"
    )
    assert "nothing was checked" in report.summary([], 0.0)


@pytest.mark.parametrize(
    ("verdicts", "allowed", "code"),
    [
        ([SAME], False, 0),
        ([SAME, DIFFERS], False, 1),
        ([SAME, UNKNOWN], False, 1),
        ([SAME, UNKNOWN], True, 0),
        ([DIFFERS, UNKNOWN], True, 1),
    ],
)
def test_exit_codes(verdicts: list[Verdict], allowed: bool, code: int) -> None:
    assert report.code(verdicts, allowed) == code

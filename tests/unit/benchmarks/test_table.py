"""The benchmark's table: ratios, goals, and figures that miss them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    import table as found

    monkeypatch.delitem(sys.modules, "table")
    return found


def test_a_figure_stands_beside_its_peer(table: ModuleType) -> None:
    row = table.Row("realise", 2.0, "mmdebstrap", 8.0, most_ratio=0.35)
    text = table.Table([row]).text()
    assert (
        text.splitlines()[-1]
        == "| realise | 2.00 s | mmdebstrap | 8.00 s | 0.25 | ratio <= 0.35 | yes |"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "reached"),
    [(140.0, 300.0, "yes"), (160.0, 400.0, "no"), (140.0, 200.0, "no"), (150.0, 300.0, "yes")],
)
def test_both_goals_count(table: ModuleType, ours: float, theirs: float, reached: str) -> None:
    row = table.Row("start", ours, "develop", theirs, unit="ms", most=150, most_ratio=0.5)
    assert row.reached == reached


def test_a_ratio_without_a_peer_is_not_reached(table: ModuleType) -> None:
    assert table.Row("x", 1.0, most_ratio=1).reached == "no"


def test_no_goal_is_neither(table: ModuleType) -> None:
    assert table.Row("x", 1.0, "y", 2.0).reached == ""


def test_what_was_not_measured_is_said(table: ModuleType) -> None:
    text = table.Table(missing=[("lock", "no network")]).text()
    assert "not measured: lock: no network" in text

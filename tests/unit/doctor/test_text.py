"""What was found as text within a width, and as JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.doctor import Line, State, check
from nixrepro.doctor.text import document, lines, summary

from .machines import GOOD, SINGLE, nix

BAD = (
    Line("Nix", "version", State.OK, "Nix 2.8.0"),
    Line("Nix", "flakes", State.WARNING, "switched off " * 6, "mkdir -p " + "x" * 80),
    Line("disk", "store", State.MISSING, "full", "nix-collect-garbage"),
)


def test_a_group_a_line_each_and_the_fix_below() -> None:
    assert [text for _, text in lines(BAD, 50)] == [
        "Nix",
        "  ok       version: Nix 2.8.0",
        "  warning  flakes: switched off switched off",
        "           switched off switched off switched off",
        "           switched off",
        f"           fix: mkdir -p {'x' * 80}",
        "disk",
        "  missing  store: full",
        "           fix: nix-collect-garbage",
    ]


WORDS = st.lists(st.text("abc-", min_size=1, max_size=12), min_size=1, max_size=20).map(" ".join)


@given(st.lists(st.builds(Line, WORDS, WORDS, st.sampled_from(State), WORDS, WORDS)))
def test_only_commands_are_longer_than_the_width(found: list[Line]) -> None:
    said = list(lines(found, 60))
    assert all(len(text) <= 60 for state, text in said if state is not None)
    assert sum(text.lstrip().startswith("fix: ") for state, text in said if state is None) >= sum(
        bool(line.fix) for line in found
    )


@pytest.mark.parametrize("width", [0, 40, 60, 80, 200])
def test_any_width(width: int) -> None:
    said = " ".join(text.strip() for _, text in lines(check(GOOD), width))
    assert "answers pyproject.toml, 12 artefacts" in said


def test_the_summary() -> None:
    assert summary(BAD) == "1 ok, 1 to look at, 1 missing"
    assert summary(BAD[:1]) == "all 1 are as they should be"


def test_as_json() -> None:
    found = document(check(nix(replace(GOOD, nix=SINGLE), store="", store_problem="no")))
    assert found["format"] == 1
    assert {
        "group": "Nix",
        "subject": "store",
        "status": "missing",
        "said": "no",
        "fix": "nix store ping --extra-experimental-features nix-command",
    } in found["checks"]
    assert {each["status"] for each in found["checks"]} == {"ok", "missing"}

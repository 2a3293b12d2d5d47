"""The worst of several answers is the answer."""

from __future__ import annotations

import pytest

from nixrepro.verify.verdict import State, Verdict, worst


@pytest.mark.parametrize(
    ("states", "answer"),
    [
        ("", "same"),
        ("same same", "same"),
        ("same unknown", "unknown"),
        ("unknown differs same", "differs"),
        ("differs", "differs"),
    ],
)
def test_the_worst_is_the_answer(states: str, answer: str) -> None:
    verdicts = [Verdict("lock", "", State(state), "") for state in states.split()]
    assert worst(verdicts) == State(answer)

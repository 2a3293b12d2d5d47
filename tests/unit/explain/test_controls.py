"""What is tried before a difference is called the cause."""

from __future__ import annotations

from typing import Any

import pytest

from nixrepro.explain.controls import again, by_themselves
from nixrepro.explain.model import Outcome, Proof, Unit
from nixrepro.explain.plan import Ground

from .conftest import MakeSide, unit

SEED = unit("settings.seed")
PROOF = Proof((SEED,), whole=Outcome.B)


class Bench:
    """Gives outcomes one after the other."""

    def __init__(self, *outcomes: Outcome | None, same: bool = False) -> None:
        self.outcomes = list(outcomes)
        self._same = same

    def same(self, units: list[Unit]) -> bool:
        return self._same

    def attempt(self, units: list[Unit], control: int = 0) -> Outcome | None:
        return self.outcomes.pop(0)


@pytest.fixture
def ground(side: MakeSide) -> Ground:
    return Ground(side("A"), side("B"), None)  # type: ignore[arg-type]


def test_what_comes_out_twice_is_shown(ground: Ground) -> None:
    bench: Any = Bench(Outcome.A, Outcome.B)
    assert again(bench, ground, PROOF, [SEED])[0].twice


@pytest.mark.parametrize(
    ("outcomes", "part"),
    [
        ((Outcome.OTHER,), "A again was run twice"),
        ((Outcome.A, Outcome.A), "A with settings.seed of B was run twice"),
    ],
)
def test_what_comes_out_once_is_chance(
    ground: Ground, outcomes: tuple[Outcome, ...], part: str
) -> None:
    bench: Any = Bench(*outcomes)
    proof, reason = again(bench, ground, PROOF, [SEED])
    assert (proof.cause, proof.twice) == ((), False)
    assert part in reason


def test_where_no_more_trials_are_allowed_it_was_shown_once(ground: Ground) -> None:
    bench: Any = Bench(None)
    assert again(bench, ground, PROOF, [SEED]) == (PROOF, "")


def test_one_difference_is_not_taken_for_the_other_tree(ground: Ground) -> None:
    bench: Any = Bench(Outcome.A)
    proof, (note,) = by_themselves(bench, ground, PROOF, [SEED])
    assert proof.cause == () and "none of these differences does it" in note
    assert proof.besides
    bench = Bench(Outcome.B)
    assert by_themselves(bench, ground, PROOF, [SEED]) == (PROOF, ())
    bench = Bench(same=True)
    assert by_themselves(bench, ground, PROOF, [SEED]) == (PROOF, ())
    bench = Bench(None)
    proof, _ = by_themselves(bench, ground, PROOF, [SEED])
    assert (proof.untested, proof.besides) == ((SEED,), False)

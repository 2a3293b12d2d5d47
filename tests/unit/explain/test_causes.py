"""In which order differences are looked at, and why."""

from __future__ import annotations

import pytest

from nixrepro.explain.causes import Seen, apart, likely
from nixrepro.explain.model import Unit

from .conftest import unit

SEED, CODE, CPU = unit("settings.seed"), unit("code"), unit("hardware.cpu")
NUMPY = Unit("wheels", "wheels.numpy", "numpy", more=("numpy",))
SIX = Unit("wheels", "wheels.six", "six", more=("six",))
LIBC = Unit("system", "system.libc6", "libc6 with libc-bin", more=("libc6", "libc-bin"))
ALL = (SIX, LIBC, NUMPY, CPU, CODE, SEED)


def order(seen: Seen, *units: Unit) -> list[str]:
    return [cause.unit.key for cause in likely(units or ALL, seen)]


def test_without_a_clue_what_says_what_to_compute_comes_first() -> None:
    assert order(Seen()) == [
        "settings.seed", "code", "hardware.cpu", "wheels.numpy", "system.libc6", "wheels.six",
    ]  # fmt: skip


def test_rounding_points_to_what_rounds() -> None:
    seen = Seen("epoch 1, step 3: the loss", 3e-7)
    assert order(seen)[:2] == ["hardware.cpu", "wheels.numpy"]
    (first, *_) = likely(ALL, seen)
    assert first.reasons == ("the first number that differs is 3e-07 off: that is rounding",)


def test_a_large_difference_at_the_first_step_is_no_rounding() -> None:
    assert order(Seen("x", 0.2, first=True))[:2] == ["settings.seed", "code"]
    # Later on, what began as rounding has grown.
    assert likely((CPU,), Seen("x", 0.2))[0].weight == likely((CPU,), Seen())[0].weight


def test_the_probes_point_to_whose_functions_differ() -> None:
    seen = Seen("x", 1e-8, probed=True, functions=("libm.erf",))
    assert order(seen)[:2] == ["hardware.cpu", "system.libc6"]
    assert order(seen, LIBC, NUMPY, SIX)[0] == "system.libc6"
    causes = {cause.unit.key: cause for cause in likely(ALL, seen)}
    assert "libm.erf gives other results in the two probes" in causes["system.libc6"].reasons
    assert len(causes["wheels.numpy"].reasons) == 1


def test_equal_probes_clear_what_they_see_and_nothing_else() -> None:
    threads = unit("settings.numerics.threads")
    plain = {cause.unit.key: cause.weight for cause in likely((*ALL, threads), Seen())}
    probed = {cause.unit.key: cause.weight for cause in likely((*ALL, threads), Seen(probed=True))}
    assert {key for key in plain if probed[key] < plain[key]} == {
        "hardware.cpu", "wheels.numpy", "wheels.six", "system.libc6",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [("2.0", "1.0", 0.5), ("1.0", "1.0", 0.0), ("nan", "1.0", None), ("a1b2", "1", None)],
)
def test_how_far_two_numbers_are_apart(a: str, b: str, expected: float | None) -> None:
    assert apart(a, b) == expected

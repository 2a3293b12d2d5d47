"""Which trials are made, and what they prove."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.explain.bound import most
from nixrepro.explain.compilers import among
from nixrepro.explain.here import Here
from nixrepro.explain.model import Outcome, Proof
from nixrepro.explain.packages import Packages
from nixrepro.explain.plan import Ground
from nixrepro.explain.search import prove
from nixrepro.lock import parse

from .conftest import PLAIN, WIDE, MakeSide, data, deb, unit, wheel

Chosen = frozenset[int]


class Trials:
    """Trials of which it is known what they give; counts them, and refuses the same one twice."""

    def __init__(self, outcome: Callable[[Chosen], Outcome], most: int = 1000) -> None:
        self.made: list[Chosen] = []
        self._outcome = outcome
        self._most = most

    def __call__(self, chosen: Chosen) -> Outcome | None:
        assert chosen not in self.made
        if len(self.made) >= self._most:
            return None
        self.made.append(chosen)
        return self._outcome(chosen)


def guilty(*places: int) -> Callable[[Chosen], Outcome]:
    """B's numbers come where all of these are B's; some of them change nothing."""

    def outcome(chosen: Chosen) -> Outcome:
        return Outcome.B if chosen >= set(places) else Outcome.A

    return outcome


def proved(count: int, trials: Trials, **more: object) -> Proof:
    return prove([unit(f"settings.{n}") for n in range(count)], trials, **more)  # type: ignore[arg-type]


def keys(units: tuple[object, ...]) -> set[int]:
    return {int(each.key.partition(".")[2]) for each in units}  # type: ignore[attr-defined]


@given(st.integers(1, 9), st.data())
def test_one_is_found_and_all_others_are_cleared(count: int, draw: st.DataObject) -> None:
    place = draw.draw(st.integers(0, count - 1))
    trials = Trials(guilty(place))
    found = proved(count, trials)
    assert keys(found.cause) == {place}
    assert keys(found.harmless) == set(range(count)) - {place}
    assert not (found.also or found.change or found.failed or found.untested)
    # All at once, each alone until it is found, all others at once.
    assert len(trials.made) <= place + 3


@given(st.integers(2, 8), st.data())
def test_those_that_only_together_do_it_are_found(count: int, draw: st.DataObject) -> None:
    places = draw.draw(st.sets(st.integers(0, count - 1), min_size=2, max_size=3))
    found = proved(count, Trials(guilty(*places)))
    assert keys(found.cause) == places
    assert keys(found.harmless) == set(range(count)) - places


@given(st.integers(1, 6), st.data())
def test_any_outcomes_at_all_give_each_difference_one_place(
    count: int, draw: st.DataObject
) -> None:
    known: dict[Chosen, Outcome] = {}

    def outcome(chosen: Chosen) -> Outcome:
        known.setdefault(chosen, draw.draw(st.sampled_from(list(Outcome))))
        return known[chosen]

    same = draw.draw(st.booleans())
    found = proved(count, Trials(outcome, draw.draw(st.integers(0, 12))), same=same)
    assert not found.needed
    groups = (found.cause, found.also, found.harmless, found.change, found.failed, found.untested)
    places = [place for group in groups for place in keys(group)]
    assert sorted(places) == list(range(count))
    # Nothing is called a cause that was not seen to give B's numbers.
    if found.cause:
        assert known[frozenset(keys(found.cause))] is Outcome.B


def test_all_that_differs_changes_nothing() -> None:
    trials = Trials(lambda _: Outcome.A)
    found = proved(5, trials)
    assert (len(found.harmless), found.together, len(trials.made)) == (5, True, 1)
    assert not found.cause


def test_two_of_which_each_alone_does_it() -> None:
    found = proved(3, Trials(lambda chosen: Outcome.B if chosen & {0, 2} else Outcome.A))
    assert (keys(found.cause), keys(found.also), keys(found.harmless)) == ({0}, {2}, {1})
    assert not found.together


def test_what_gives_other_numbers_and_what_can_not_run_is_told() -> None:
    def outcome(chosen: Chosen) -> Outcome:
        alone = {frozenset({1}): Outcome.OTHER, frozenset({2}): Outcome.FAILED}
        return alone.get(
            chosen, Outcome.B if 0 in chosen and len(chosen) in (1, 3) else Outcome.OTHER
        )

    found = proved(3, Trials(outcome))
    assert (keys(found.cause), keys(found.change), keys(found.failed)) == ({0}, {1}, {2})


def test_a_bound_leaves_the_rest_untested_and_says_so() -> None:
    found = proved(4, Trials(guilty(1), most=2))
    assert not found.cause
    assert (keys(found.harmless), keys(found.untested)) == ({0}, {1, 2, 3})


def test_what_needs_another_is_not_blamed_for_it() -> None:
    def closed(chosen: Chosen) -> Chosen:
        return chosen | {1} if 0 in chosen else chosen

    trials = Trials(guilty(1))
    found = proved(3, trials, closed=closed)
    assert keys(found.cause) == {1}
    assert frozenset({0}) not in trials.made


def test_what_can_only_be_had_with_another_is_the_cause_and_the_other_is_not() -> None:
    def closed(chosen: Chosen) -> Chosen:
        return chosen | {1} if 0 in chosen else chosen

    for count in (2, 3):
        found = proved(count, Trials(guilty(0)), closed=closed)
        assert (keys(found.cause), keys(found.needed)) == ({0}, {1})
        assert keys(found.harmless) == set(range(count)) - {0}
    # Those that need each other can't be told apart.
    found = proved(3, Trials(guilty(0)), closed=lambda c: c | {0, 1} if c & {0, 1} else c)
    assert (keys(found.cause), found.needed) == ({0, 1}, ())


def test_one_alone_is_the_cause_though_all_at_once_fail() -> None:
    def outcome(chosen: Chosen) -> Outcome:
        return Outcome.FAILED if 1 in chosen else Outcome.B if 0 in chosen else Outcome.A

    found = proved(3, Trials(outcome))
    assert (keys(found.cause), keys(found.failed), keys(found.harmless)) == ({0}, {1}, {2})


def needing(**needs: set[int]) -> Callable[[Chosen], Chosen]:
    return lambda chosen: chosen.union(*(needs.get(f"n{each}", set()) for each in chosen))


@pytest.mark.parametrize("places", [(0,), (0, 3)])
def test_what_needs_the_cause_is_not_another_one(places: tuple[int, ...]) -> None:
    closed = needing(n1={0})
    found = proved(4, Trials(guilty(*places)), closed=closed)
    assert keys(found.cause) == set(places)
    assert not (found.also or found.change)
    assert 1 in keys(found.harmless)


def test_what_needs_what_changes_the_numbers_can_not_be_told_from_it() -> None:
    def outcome(chosen: Chosen) -> Outcome:
        return Outcome.B if chosen >= {0, 2} else Outcome.OTHER if 0 in chosen else Outcome.A

    found = proved(3, Trials(outcome), closed=needing(n1={0}))
    assert (keys(found.cause), found.change) == ({0, 2}, ())
    rest = {*keys(found.apart), *keys(found.harmless)}
    assert rest == {1}


def test_the_smallest_part_of_what_a_difference_needs_is_the_cause() -> None:
    found = proved(4, Trials(guilty(2)), closed=needing(n0={1, 2}, n1={2}))
    assert (keys(found.cause), found.needed, found.also) == ({2}, (), ())
    # Two that are needed, and do it together without what needs them.
    found = proved(4, Trials(guilty(1, 2)), closed=needing(n0={1, 2}))
    assert keys(found.cause) == {1, 2}


def test_a_smaller_set_that_fails_is_no_evidence() -> None:
    def outcome(chosen: Chosen) -> Outcome:
        if chosen == {0}:
            return Outcome.FAILED
        return Outcome.B if chosen >= {0, 1} else Outcome.A

    found = proved(2, Trials(outcome))
    assert (keys(found.cause), keys(found.unsure), found.each) == ({0, 1}, {1}, False)


def test_the_same_numbers_need_one_trial() -> None:
    trials = Trials(lambda _: Outcome.A)
    assert proved(4, trials, same=True).whole is Outcome.A
    assert len(trials.made) == 1


@given(st.integers(1, 6), st.data())
def test_what_is_said_of_the_number_of_trials_is_true(count: int, draw: st.DataObject) -> None:
    needed = {
        f"n{place}": draw.draw(st.sets(st.integers(0, count - 1), max_size=2))
        for place in range(count)
    }

    def closed(chosen: Chosen) -> Chosen:
        while (more := needing(**needed)(chosen)) != chosen:
            chosen = more
        return chosen

    place = draw.draw(st.integers(0, count - 1))
    together: list[int] = []
    trials = Trials(guilty(place))
    proved(count, trials, closed=closed, combine=lambda count, _: together.append(count))
    # Several that only together can be had are found as such: that is said.
    assert together or len(trials.made) <= most(count, closed)


def test_where_it_takes_several_that_is_said_once_and_how_long_it_takes_is_true() -> None:
    said: list[tuple[int, int, int]] = []
    trials = Trials(guilty(1, 4))

    def combine(count: int, bound: int) -> None:
        said.append((count, bound, len(trials.made)))

    proved(6, trials, combine=combine)
    ((count, bound, before),) = said
    assert (count, before) == (6, 7)  # all at once, and each alone
    holding = [n for n, each in enumerate(trials.made, 1) if n > before and each >= {1, 4}]
    assert holding and min(holding) - before <= bound
    # Where no more trials are allowed, nothing is said of those that were not made.
    said.clear()
    trials = Trials(guilty(1, 4), most=3)
    proved(6, trials, combine=combine)
    assert said == []


@pytest.fixture
def ground(side: MakeSide) -> Ground:
    def other(document: dict) -> None:  # type: ignore[type-arg]
        document["layers"]["hardware"]["cpu"].update(table=[WIDE], cores={"usable": 1})
        document["layers"]["settings"].update(
            seed=43, variables={"X": "1"}, numerics={"profile": "native", "threads": 2}
        )

    def base(document: dict) -> None:  # type: ignore[type-arg]
        document["layers"]["hardware"]["cpu"].update(table=[PLAIN], cores={"usable": 2})
        document["layers"]["settings"].update(variables={"Y": "2"})
        document["result"]["data"] = [{"name": "table", "pinned": True}]

    a = side("A", base, data("table", "1"), wheel("six", "1.0", "3"))
    b = side("B", other, data("table", "2"), wheel("six", "1.0", "3"))
    return Ground(a, b, Packages(a.lock, b.lock, (a.text, b.text), ()), Here((PLAIN,), 2))


def test_a_recipe_without_differences_is_the_run_itself(ground: Ground) -> None:
    recipe = ground.recipe(())
    assert recipe.expected is recipe.code is ground.base.record
    assert (recipe.lock, recipe.cpu, recipe.cores) == ("", (), 0)
    assert recipe.data == {"table"}
    assert recipe.settings == ground.base.settings


def test_a_recipe_of_all_differences_is_the_other_run(ground: Ground) -> None:
    recipe = ground.recipe([unit("code")], whole=True)
    assert recipe.expected is recipe.code is ground.other.record
    assert (recipe.lock, recipe.cpu, recipe.cores) == ("", (WIDE,), 1)
    assert recipe.settings == ground.other.settings


def test_each_difference_is_taken_by_itself(ground: Ground) -> None:
    assert ground.recipe([unit("hardware.cpu")]).cpu == (WIDE,)
    assert ground.recipe([unit("hardware.cores")]).cores == 1
    recipe = ground.recipe([unit("settings.seed"), unit("settings.variables.Y")])
    assert recipe.settings["seed"] == 43
    assert recipe.settings["variables"] == {}
    assert "numerics" not in recipe.settings
    assert ground.recipe([unit("settings.variables.X")]).settings["variables"] == {
        "X": "1",
        "Y": "2",
    }
    recipe = ground.recipe([unit("settings.numerics.threads")])
    assert recipe.settings["numerics"] == {"threads": 2}
    recipe = ground.recipe([unit("code")])
    assert (recipe.code, recipe.lock) == (ground.other.record, ground.base.text)
    assert recipe.expected is None


def test_data_is_taken_by_its_entry_in_the_lock(ground: Ground) -> None:
    recipe = ground.recipe([unit("data.table")])
    (found,) = (each for each in parse(recipe.lock).artefacts if each.layer == "data")
    assert found.sha256 == "2" * 64
    # With the code too, it is the other tree's own lock.
    assert ground.recipe([unit("data.table"), unit("code")]).lock == ""


PORTABLE = {"profile": "portable", "cpu": "haswell", "threads": 2}


@pytest.fixture
def mixed(side: MakeSide) -> Ground:
    """A native run whose lock has no gcc, and a portable one, whose lock has it."""

    def portable(document: dict) -> None:  # type: ignore[type-arg]
        document["layers"]["settings"].update(numerics=PORTABLE)

    def native(document: dict) -> None:  # type: ignore[type-arg]
        document["layers"]["settings"].update(seed=7)
        document["layers"]["hardware"]["cpu"].update(table=[PLAIN])

    a = side("A", native, deb("libc6", "2.36", "1"))
    text = '[tool.nixrepro.numerics]\nprofile = "portable"\ncpu = "haswell"\n'
    b = side("B", portable, deb("gcc", "12", "2"), deb("libc6", "2.36", "1"), project=text)
    return Ground(
        a, b, Packages(a.lock, b.lock, (a.text, b.text), ()), Here((WIDE,), 2), among([b.text])
    )


def test_a_lock_without_gcc_takes_it_from_the_other_lock(mixed: Ground) -> None:
    recipe = mixed.recipe([unit("settings.numerics")])
    assert (recipe.lock, recipe.compiler) == ("", mixed.other.text)
    assert recipe.settings["numerics"]["cpu"] == "haswell"
    # A's own run, on a CPU that is not this one.
    assert mixed.recipe(()).compiler == mixed.other.text
    assert mixed.recipe([unit("code")], whole=True).compiler == ""


def test_with_the_code_alone_the_other_profile_does_not_come(mixed: Ground) -> None:
    recipe = mixed.recipe([unit("code")])
    assert recipe.code is mixed.other.record and recipe.lock == mixed.base.text
    asked = tomli.loads(recipe.project)["tool"]["nixrepro"]
    assert "profile" not in asked.get("numerics", {}) and asked["settings"]["seed"] == 7
    assert "portable" in mixed.other.project
    assert "numerics" not in recipe.settings
    # With a compiler in the lock Nix can build what the project asks for, whoever uses it.
    assert mixed.recipe([unit("code")], whole=True).project == ""
    assert mixed.recipe(()).project == ""


def test_no_lock_with_gcc_is_said_with_what_to_do() -> None:
    assert "add gcc to packages" in among(["", "version = 1"]).lack
    text = "no lock at all"
    assert among([text]).beside(text) == ""


def test_where_a_recipe_lies_in_its_repository(side: MakeSide) -> None:
    a, b = side("A", inside="models"), side("B")
    ground = Ground(a, b, Packages(a.lock, b.lock, (a.text, b.text), ()))
    assert ground.inside(ground.recipe(())) == "models"
    assert ground.inside(ground.recipe([unit("code")])) == ""

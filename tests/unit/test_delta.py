"""Delta debugging: few trials, never one twice, and a smallest set that was proved."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nixrepro.delta import Chosen, Enough, Found, Outcome, Step, most, search

A, B, OTHER, FAILED = Outcome.A, Outcome.B, Outcome.OTHER, Outcome.FAILED


def closing(needs: dict[int, set[int]]) -> Callable[[Chosen], Chosen]:
    def closed(chosen: Chosen) -> Chosen:
        found, waiting = set(chosen), list(chosen)
        while waiting:
            new = needs.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return frozenset(found)

    return closed


@dataclass
class Lab:
    """Sets are tried by a rule; no set is taken twice, nor one that lacks what it needs."""

    count: int
    rule: Callable[[Chosen], Outcome]
    needs: dict[int, set[int]] = field(default_factory=dict)
    tried: list[Chosen] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    limit: int = 10**6

    def test(self, sets: Sequence[Chosen]) -> list[Outcome]:
        if len(self.tried) + len(sets) > self.limit:
            raise Enough
        for each in sets:
            assert each not in self.tried
            assert closing(self.needs)(each) == each
            self.tried.append(each)
        self.batches.append(len(sets))
        return [self.rule(each) for each in sets]

    def search(self, at_once: int = 2) -> Found:
        found = search(
            self.count, closing(self.needs), self.test, at_once=at_once, watch=self.steps.append
        )
        assert found.trials == len(self.tried)
        return found


def all_of(*guilty: int) -> Callable[[Chosen], Outcome]:
    return lambda chosen: B if chosen.issuperset(guilty) else A


@st.composite
def needing(draw: st.DrawFn, lowest: int = 1) -> tuple[int, dict[int, set[int]]]:
    """Some parts, of which each may need others: also in a circle."""
    count = draw(st.integers(lowest, 60))
    part = st.integers(0, count - 1)
    pairs = draw(st.lists(st.tuples(part, part), max_size=60))
    needs: dict[int, set[int]] = {}
    for one, two in pairs:
        needs.setdefault(one, set()).add(two)
    return count, needs


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_one_guilty_of_forty(at_once: int) -> None:
    for guilty in range(40):
        lab = Lab(40, all_of(guilty))
        found = lab.search(at_once)
        assert found.minimal == {guilty} and found.complete
        assert found.lacking == {frozenset(): A}
        # With both controls, and the proof that it is enough alone.
        assert found.trials <= 3 * log2(40)
        assert all(step.most >= found.trials for step in lab.steps)
        assert max(lab.batches) <= max(2, at_once)


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_one_guilty_of_forty_that_need_each_other(at_once: int) -> None:
    chance = random.Random(at_once)
    for guilty in range(40):
        names = chance.sample(range(40), 40)
        needs = {names[p]: {names[chance.randrange(p)] for _ in range(2)} for p in range(1, 40, 3)}
        lab = Lab(40, all_of(guilty), needs)
        found = lab.search(at_once)
        assert found.minimal == closing(needs)(frozenset({guilty}))
        assert found.trials <= 3 * log2(40)
        assert all(step.most >= found.trials for step in lab.steps)


def test_few_rounds_where_many_trials_go_side_by_side() -> None:
    rounds = []
    for at_once in (1, 2, 3, 7):
        lab = Lab(40, all_of(29))
        lab.search(at_once)
        rounds.append(len(lab.batches))
    assert rounds == sorted(rounds, reverse=True) and rounds[-1] <= 4


@given(needing(), st.data(), st.integers(1, 4))
def test_single_parts_pairs_and_triples(
    parts: tuple[int, dict[int, set[int]]], data: st.DataObject, at_once: int
) -> None:
    count, needs = parts
    guilty = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    lab = Lab(count, all_of(*guilty), needs)
    found = lab.search(at_once)
    assert found.complete
    assert found.minimal == closing(needs)(frozenset(guilty))
    assert all(outcome is A for outcome in found.lacking.values())
    # Each of them is found as if it were alone, and tried.
    assert found.trials <= 2 + len(guilty) * (most(count, at_once) + 1) + len(guilty)


@given(needing(), st.data())
def test_whatever_the_outcomes_it_ends_with_what_gives_bs_numbers(
    parts: tuple[int, dict[int, set[int]]], data: st.DataObject
) -> None:
    count, needs = parts
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    known: dict[Chosen, Outcome] = {frozenset(): A, frozenset(range(count)): B}

    def rule(chosen: Chosen) -> Outcome:
        return known.setdefault(chosen, chance.choice([A, B, OTHER, FAILED]))

    found = Lab(count, rule, needs).search(data.draw(st.integers(1, 4)))
    assert known[found.minimal] is B and found.complete
    assert B not in found.lacking.values()
    # 1-minimal: every largest part of it that has all it needs was tried.
    closed = closing(needs)
    for part in found.minimal:
        rest = frozenset(p for p in found.minimal if part not in closed(frozenset({p})))
        assert any(rest <= each for each in found.lacking)


@settings(max_examples=60)
@given(st.integers(4, 40), st.data())
def test_mixes_that_fail(count: int, data: st.DataObject) -> None:
    """Two parts that fail without each other, which nobody knew to need each other."""
    part = st.integers(0, count - 1)
    guilty = data.draw(part)
    one, two = data.draw(st.lists(part, min_size=2, max_size=2, unique=True))

    def rule(chosen: Chosen) -> Outcome:
        if (one in chosen) != (two in chosen):
            return FAILED
        return B if guilty in chosen else A

    found = Lab(count, rule).search()
    assert found.complete
    expected = {guilty, one, two} if guilty in (one, two) else {guilty}
    assert found.minimal == expected


@pytest.mark.parametrize(
    ("one", "two", "guilty"), [(2, 37, 20), (0, 39, 5), (10, 30, 10), (10, 30, 35)]
)
def test_two_that_fail_apart_cost_few_trials_more(one: int, two: int, guilty: int) -> None:
    def rule(chosen: Chosen) -> Outcome:
        if (one in chosen) != (two in chosen):
            return FAILED
        return B if guilty in chosen else A

    found = Lab(40, rule).search()
    assert found.minimal == ({guilty} if guilty not in (one, two) else {one, two})
    assert found.trials <= 45


def test_one_without_which_all_others_fail() -> None:
    def rule(chosen: Chosen) -> Outcome:
        if chosen and 39 not in chosen:
            return FAILED
        return B if 10 in chosen else A

    found = Lab(40, rule).search()
    assert found.minimal == {10, 39}
    assert found.lacking == {frozenset({10}): FAILED, frozenset({39}): A}
    assert found.trials <= 45


def test_two_without_which_all_others_fail() -> None:
    def rule(chosen: Chosen) -> Outcome:
        if chosen and not chosen >= {20, 39}:
            return FAILED
        return B if 10 in chosen else A

    found = Lab(40, rule).search()
    assert found.minimal == {10, 20, 39}
    assert found.trials <= 200


def test_each_of_two_changes_the_numbers() -> None:
    numbers = {(False, False): A, (True, False): OTHER, (False, True): OTHER, (True, True): B}
    lab = Lab(40, lambda chosen: numbers[7 in chosen, 23 in chosen])
    found = lab.search()
    assert found.minimal == {7, 23}
    assert found.lacking == {frozenset({7}): OTHER, frozenset({23}): OTHER}


def test_what_hides_the_guilty_part() -> None:
    """Part 3 alone gives other numbers; 5 and all together give B's."""
    lab = Lab(20, lambda c: B if 5 in c and (3 not in c or 12 in c) else OTHER if 3 in c else A)
    assert lab.search().minimal == {5}


@pytest.mark.parametrize(
    ("rule", "complete"), [(lambda c: A, True), (lambda c: FAILED if c else A, False)]
)
def test_nothing_to_find(rule: Callable[[Chosen], Outcome], complete: bool) -> None:
    lab = Lab(9, rule)
    found = lab.search()
    assert (found.minimal, found.complete, found.trials) == (frozenset(), complete, 2)
    assert Lab(0, rule).search().minimal == frozenset()


def test_an_end_before_the_end() -> None:
    lab = Lab(40, all_of(17), limit=7)
    found = lab.search()
    assert not found.complete and 17 in found.minimal and len(found.minimal) < 40
    assert found.trials <= 7
    assert not Lab(40, all_of(17), limit=1).search().complete


def test_what_is_told_on_the_way() -> None:
    lab = Lab(40, all_of(8, 30))
    lab.search()
    assert lab.steps[0].batch == (frozenset(), frozenset(range(40)))
    assert [len(step.left) for step in lab.steps[:3]] == [40, 40, 14]
    assert any(step.found for step in lab.steps)
    assert sum(len(step.batch) for step in lab.steps) == len(lab.tried)

"""Locks taken apart into units, and the lock that has some of them from the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.explain.packages import APART, Packages, closed, packages, units
from nixrepro.explain.sides import Side
from nixrepro.lock import Artefact, dumps, order, parse
from nixrepro.mixing.stated import own
from nixrepro.record import Record

from .conftest import data, deb, lock, wheel

NOTHING = Record(Path(), {"layers": {}})


def side(*artefacts: Artefact) -> Side:
    found = lock(*sorted(artefacts, key=order))
    return Side("A", NOTHING, found, dumps(found))


def found(a: Side, b: Side) -> Packages:
    return packages(a, b, own)


def test_each_package_is_a_unit_and_many_are_one() -> None:
    a = side(wheel("six", "1.0", "1"), wheel("wrapt", "1.0", "2"), wheel("gone", "1.0", "3"))
    b = side(wheel("six", "1.1", "4"), wheel("wrapt", "1.0", "5"), wheel("new", "2.0", "6"))
    told = {unit.label: (unit.old, unit.new) for unit in units(found(a, b))}
    assert told == {
        "six": ("1.0", "1.1"),
        "wrapt": ("2" * 12, "5" * 12),
        "gone": ("1.0", "none"),
        "new": ("none", "2.0"),
    }
    names = [f"w{number:02}" for number in range(APART + 1)]
    one, two = (side(*(wheel(name, "1.0", digit) for name in names)) for digit in "12")
    (unit,) = units(found(one, two))
    assert unit.label == "9 packages of the wheels layer"
    assert (len(unit.parts), unit.more) == (APART + 1, tuple(names))


def compiler(*, lone: bool = False) -> list[Artefact]:
    """gcc as it comes into a lock: several need the same others."""
    return [
        deb("gcc", "12.2", "1", "cpp", "gcc-12"),
        deb("cpp", "12.2", "2", "cpp-12"),
        deb("gcc-12", "12.2", "3", "binutils", "cpp-12", "libc-dev"),
        deb("cpp-12", "12.2", "4", "libmpc3"),
        deb("binutils", "2.40", "5", "libctf0"),
        deb("libctf0", "2.40", "6"),
        deb("libmpc3", "1.3", "7"),
        deb("libc-dev", "2.36", "8", "libctf0"),
        *([deb("hello", "2.10", "9")] if lone else []),
    ]


@pytest.mark.parametrize("turned", [False, True])
def test_what_only_comes_along_with_one_package_is_one_difference(turned: bool) -> None:
    lacking = side(deb("libc6", "2.36", "a"))
    having = side(deb("libc6", "2.36", "a"), *compiler(lone=True))
    both = found(*((having, lacking) if turned else (lacking, having)))
    told = {unit.label: unit for unit in units(both)}
    assert set(told) == {"gcc and 7 packages with it", "hello"}
    gcc = told["gcc and 7 packages with it"]
    versions = ("12.2", "none") if turned else ("none", "12.2")
    assert (gcc.key, gcc.old, gcc.new) == ("system.gcc", *versions)
    assert str(gcc) == f"gcc and 7 packages with it ({' -> '.join(versions)})"
    # It is taken whole, and nothing else with it.
    names = {each.name for each in parse(both.text(gcc.parts, set())).artefacts}
    wanted = {"libc6", *(each.name for each in compiler())}
    assert names == ({"libc6", "hello"} if turned else wanted)


@pytest.mark.parametrize("turned", [False, True])
def test_so_are_several_that_need_the_same(turned: bool) -> None:
    lacking = side(deb("libc6", "2.36", "a"))
    having = side(
        deb("libc6", "2.36", "a"),
        deb("g++", "12.2", "b", "cpp", "libstdc-dev"),
        deb("libstdc-dev", "12.2", "c", "libc-dev"),
        *compiler(),
    )
    both = found(*((having, lacking) if turned else (lacking, having)))
    assert len(both.parts) > 1  # of its own accord it is several
    (unit,) = units(both)
    assert unit.label == "gcc and 9 packages with it"
    assert unit.several and unit.parts == frozenset(range(len(both.parts)))
    assert both.text(unit.parts, set()) == (lacking if turned else having).text


def test_what_replaces_another_is_not_taken_for_an_addition() -> None:
    a = side(deb("libc6", "2.36", "1"), deb("zlib1g", "1.2", "2"))
    b = side(deb("libc6", "2.41", "3"), deb("zlib1g", "1.3", "4"), *compiler())
    assert {unit.label for unit in units(found(a, b))} == {
        "libc6", "zlib1g", "gcc and 7 packages with it"
    }  # fmt: skip


@given(st.sets(st.integers(0, 3)), st.booleans())
def test_a_mixed_lock_has_of_the_second_what_was_taken_and_else_the_first(
    taken: set[int], table: bool
) -> None:
    a, b = (
        side(data("table", digit), *(wheel(f"w{n}", "1.0", digit) for n in range(4)))
        for digit in "12"
    )
    text = found(a, b).text(taken, {"table"} if table else set())
    sums = {each.name: each.sha256[0] for each in parse(text).artefacts}
    assert sums == {
        **{f"w{n}": "2" if n in taken else "1" for n in range(4)},
        "table": "2" if table else "1",
    }
    if not taken and not table:
        assert text == a.text
    if len(taken) == 4 and table:
        assert text == b.text


def test_what_a_package_needs_comes_along() -> None:
    a = side(wheel("app", "1.0", "1"), wheel("base", "1.0", "1"))
    b = side(
        replace(wheel("app", "2.0", "2"), dependencies=("base", "more")),
        wheel("base", "2.0", "2"),
        wheel("more", "1.0", "2"),
    )
    both = found(a, b)
    made = units(both)
    place = next(n for n, unit in enumerate(made) if "app" in unit.more)
    text = both.text(made[place].parts, set())
    assert "more" in {each.name for each in parse(text).artefacts}
    assert place in closed(both, made)(frozenset({place}))
    others = frozenset(range(len(made))) - {place}
    assert closed(both, made)(frozenset()) == frozenset()
    assert all(closed(both, made)(frozenset({n})) == {n} for n in others)


def test_without_a_lock_nothing_can_be_mixed() -> None:
    whole = side(wheel("six", "1.0", "1"))
    lacking = replace(whole, lock=None, text="")
    both = found(whole, lacking)
    assert units(both) == ()
    assert both.text({0}, {"table"}) == whole.text

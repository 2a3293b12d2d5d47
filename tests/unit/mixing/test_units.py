"""What of two locks must move together: by needs, refusals, and Python's own conditions."""

from __future__ import annotations

from nixrepro.lock import Lock
from nixrepro.mixing import Unit, closed, entries, uncounted, units

from .parts import Fields, States, deb, lock, sdist, wheel

Named = dict[str, set[str]]


def found(a: Lock, b: Lock, fields: dict[tuple[str, str], Fields]) -> Named:
    """Each unit by its names, with the names that it needs."""
    made = units(a, b, States(fields))
    return {" ".join(u.names): {" ".join(made[n].names) for n in u.needs} for u in made}


def test_a_need_that_only_the_new_one_meets_takes_it_along() -> None:
    a = lock(deb("libc6", "2.36-9"), deb("sed", "1", "libc6"), deb("grep", "1", "libc6"))
    b = lock(deb("libc6", "2.41-1"), deb("sed", "2", "libc6"), deb("grep", "2", "libc6"))
    fields = {
        ("sed", "1"): {"Depends": "libc6 (>= 2.34)"},
        ("sed", "2"): {"Pre-Depends": "libc6 (>= 2.38)"},
        ("grep", "2"): {"Depends": "libc6 (>= 2.34)"},
    }
    assert found(a, b, fields) == {"libc6": set(), "sed": {"libc6"}, "grep": set()}
    # The other way round, what stands on the newer library stays on it or leaves with it.
    assert found(b, a, fields) == {"libc6": {"sed"}, "sed": set(), "grep": set()}


def test_what_is_of_one_version_is_one_unit() -> None:
    a = lock(deb("libc6", "2.36-9"), deb("libc-bin", "2.36-9", "libc6"))
    b = lock(deb("libc6", "2.41-1"), deb("libc-bin", "2.41-1", "libc6"))
    fields = {
        ("libc-bin", "2.36-9"): {"Depends": "libc6 (>> 2.36), libc6 (<< 2.37)"},
        ("libc-bin", "2.41-1"): {"Depends": "libc6 (>> 2.41), libc6 (<< 2.42)"},
    }
    (unit,) = units(a, b, States(fields))
    assert str(unit) == "libc6 2.36-9 -> 2.41-1 (and libc-bin)"
    assert unit.names == ("libc6", "libc-bin")


def test_a_refusal_takes_along_what_it_refuses() -> None:
    a = lock(deb("base", "1"), deb("libc6", "1"), deb("other", "1"))
    b = lock(deb("base", "2"), deb("libc6", "2"), deb("other", "2"))
    fields = {
        ("libc6", "2"): {"Breaks": "base (<< 2)"},
        ("other", "1"): {"Conflicts": "base (>> 1)"},
    }
    assert found(a, b, fields) == {"base": {"other"}, "libc6": {"base"}, "other": set()}
    # A virtual package is refused as whoever provides it.
    fields = {
        ("libc6", "2"): {"Conflicts": "thing"},
        ("base", "1"): {"Provides": "thing"},
    }
    assert found(a, b, fields) == {"base": set(), "libc6": {"base"}, "other": set()}


def test_a_provided_name_meets_a_need() -> None:
    """As when a library was renamed, and still answers to its old name."""
    a = lock(deb("libssl3", "1"), deb("tool", "1", "libssl3"))
    b = lock(deb("libssl3t64", "1"), deb("tool", "2", "libssl3t64"))
    fields = {
        ("libssl3t64", "1"): {"Provides": "libssl3 (= 1)"},
        ("tool", "1"): {"Depends": "libssl3 (>= 1)"},
        ("tool", "2"): {"Depends": "libssl3t64"},
    }
    (unit,) = units(a, b, States(fields))
    assert str(unit) == "tool 1 -> 2 (and libssl3 and libssl3t64)"


def test_alternatives_hold_nothing_where_one_of_them_stays() -> None:
    a = lock(deb("x", "1"), deb("tool", "1", "x"), deb("stays", "1"))
    b = lock(deb("y", "1"), deb("tool", "2", "y"), deb("stays", "1"))
    depends = {"Depends": "x | y | stays"}
    fields = {("tool", "1"): depends, ("tool", "2"): depends}
    assert found(a, b, fields) == {"x": set(), "y": set(), "tool": set()}


def test_what_stays_needs_the_one_or_the_other() -> None:
    a = lock(deb("x", "1"), deb("tool", "1", "x"))
    b = lock(deb("y", "1"), deb("tool", "1", "y"))
    assert found(a, b, {("tool", "1"): {"Depends": "x | y"}}) == {"x y": set()}


def test_what_comes_for_one_belongs_to_it_and_what_several_need_stands_alone() -> None:
    a = lock(deb("p", "1"), deb("q", "1"))
    b = lock(
        deb("p", "2", "n"), deb("q", "2", "m"), deb("n", "1", "o"), deb("o", "1"), deb("m", "1")
    )
    fields = {
        ("p", "2"): {"Depends": "n, m"},
        ("q", "2"): {"Depends": "m"},
        ("n", "1"): {"Depends": "o"},
    }
    assert found(a, b, fields) == {"p n o": {"m"}, "q": {"m"}, "m": set()}
    # What leaves does so with the last that needs it.
    fields = {("p", "1"): {"Depends": "old"}, ("q", "1"): {"Depends": "old"}}
    a = lock(deb("p", "1", "old"), deb("q", "1", "old"), deb("old", "1"))
    b = lock(deb("p", "2"), deb("q", "2"))
    assert found(a, b, fields) == {"old": {"p", "q"}, "p": set(), "q": set()}


def test_distributions() -> None:
    a = lock(wheel("numpy", "1.26"), wheel("scipy", "1.0", "numpy"), wheel("six", "1"))
    b = lock(wheel("numpy", "2.0"), wheel("scipy", "2.0", "numpy"), wheel("six", "2"))
    fields = {
        ("scipy", "1.0"): {"Requires": "numpy<2\nsix>=5; extra == 'never'"},
        ("scipy", "2.0"): {"Requires": "numpy>=1.20"},
    }
    assert found(a, b, fields) == {"numpy": {"scipy"}, "scipy": set(), "six": set()}


def test_conditions_on_the_python_that_is_there() -> None:
    a = lock(wheel("numpy", "1"), wheel("p", "1", "numpy"))
    b = lock(wheel("numpy", "2"), wheel("p", "2", "numpy"))
    old = {("p", "2"): {"Requires": "numpy>=2; python_version < '3.9'"}}
    assert found(a, b, old) == {"numpy": set(), "p": set()}
    new = {("p", "2"): {"Requires": "numpy>=2; python_version >= '3.11'"}}
    assert found(a, b, new) == {"numpy": set(), "p": {"numpy"}}


def test_a_wheels_name_asks_of_the_system() -> None:
    linux = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"
    a = lock(deb("libc6", "2.36-9"), wheel("numpy", "1", tag=linux), wheel("x", "1"))
    b = lock(
        deb("libc6", "2.41-1"),
        wheel("numpy", "1", tag="cp311-cp311-manylinux_2_39_x86_64"),
        wheel("x", "2", tag="cp37-abi3-manylinux1_x86_64"),
    )
    assert found(a, b, {}) == {"libc6": set(), "numpy": {"libc6"}, "x": set()}
    (libc, numpy, _) = units(a, b, States({}))
    assert str(numpy) == "numpy 1, another file" and str(libc) == "libc6 2.36-9 -> 2.41-1"


def python(minor: str, patch: str, tag: str) -> Lock:
    return lock(
        deb("python3", f"{minor}.{patch}", f"python{minor}"),
        deb(f"python{minor}", f"{minor}.{patch}-1"),
        deb(f"python{minor}-minimal", f"{minor}.{patch}-1", role="bootstrap"),
        wheel("numpy", "1", tag=f"{tag}-{tag}-manylinux2014_x86_64"),
        wheel("pure", minor),
        deb("libc6", "2.36-9"),
        python=f"{minor}.{patch}",
    )


def test_another_python_moves_with_all_that_is_built_for_it() -> None:
    a, b = python("3.11", "2", "cp311"), python("3.13", "5", "cp313")
    fields: dict[tuple[str, str], Fields] = {
        ("python3", "3.11.2"): {"Depends": "python3.11"},
        ("python3", "3.13.5"): {"Depends": "python3.13"},
        ("pure", "3.13"): {"Python": ">=3.12"},
    }
    names = "python3 numpy python3.11 python3.13"
    assert found(a, b, fields) == {names: set(), "pure": {names}}
    (unit, _) = units(a, b, States(fields))
    assert {each.role for each in unit.entries} == {"", "bootstrap"}
    # Of one Python what unpacks changes no number, and belongs to nothing.
    later = python("3.11", "9", "cp311")
    assert {each.name for each in entries(a, later)} == {"python3", "python3.11"}
    assert [each.name for each in uncounted(a, later)] == ["python3.11-minimal"]


def test_what_builds_a_source_belongs_to_it() -> None:
    tools = (wheel("setuptools", "65", role="build"), wheel("setuptools", "70", role="build"))
    a = lock(sdist("p", "1", "setuptools==65"), sdist("q", "1", "setuptools==65"), tools[0])
    b = lock(sdist("p", "1", "setuptools==70"), sdist("q", "1", "setuptools==65"), *tools)
    assert found(a, b, {}) == {"p": set()}
    assert uncounted(a, b) == ()
    # A tool for one Python only takes that Python along.
    compiled = wheel("cython", "3", role="build", tag="cp313-cp313-manylinux2014_x86_64")
    a = lock(*python("3.11", "2", "cp311").artefacts, sdist("p", "1"))
    other = python("3.13", "5", "cp313")
    b = lock(*other.artefacts, sdist("p", "2", "cython==3"), compiled, python="3.13.5")
    needed = next(needs for name, needs in found(a, b, {}).items() if name.split()[0] == "p")
    assert len(needed) == 1 and "python3.13" in needed.pop()


def test_each_file_is_read_once_and_only_where_it_matters() -> None:
    a = lock(deb("libc6", "1"), *(deb(f"p{n}", "1", "libc6") for n in range(5)), deb("far", "1"))
    b = lock(deb("libc6", "2"), *(deb(f"p{n}", "1", "libc6") for n in range(5)), deb("far", "1"))
    states = States({(f"p{n}", "1"): {"Depends": "libc6 (>= 1)"} for n in range(5)})
    units(a, b, states)
    assert len(states.asked) == len(set(states.asked)) == 7
    assert not any(file.startswith("far") for file in states.asked)


def test_closed() -> None:
    def unit(*needs: int) -> Unit:
        return Unit(("x",), "system", (), frozenset(needs))

    some = (unit(1), unit(2), unit(), unit(0, 3))
    assert closed(some, frozenset()) == frozenset()
    assert closed(some, {1}) == {1, 2}
    assert closed(some, {3}) == {0, 1, 2, 3}

"""The choice of packages: closed, always the same, and with the reason where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nixrepro.errors import ResolveError
from nixrepro.resolve.package import Package, Relation, relations
from nixrepro.resolve.solve import Solution, solve
from nixrepro.resolve.universe import Policy, Universe


@dataclass
class Listed:
    """A suite's packages from a list."""

    group: str
    listed: list[Package] = field(default_factory=list)

    def names(self):
        return {package.name for package in self.listed}

    def packages(self, name):
        return [package for package in self.listed if package.name == name]

    def providers(self, virtual):
        return {p.name for p in self.listed if any(r.name == virtual for r in p.provides)}


def package(line: str, group: str = "base") -> Package:
    """`NAME VERSION [from SOURCE]; needs A, B | C; provides D; refuses E; priority N`."""
    head, *parts = [part.strip() for part in line.split(";")]
    name, version, *source = head.split()
    said = dict(part.split(" ", 1) for part in parts)
    flat = {key: tuple(c[0] for c in relations(said.get(key))) for key in ("provides", "refuses")}
    return Package(
        name=name,
        version=version,
        group=group,
        source=source[1] if source else name,
        sha256=f"{name}-{version}-{group}",
        needs=relations(said.get("needs")),
        priority=int(said.get("priority", "3")),
        **flat,
    )


def world(base: list[str], other: list[str] = (), overrides=None, kept=(), fixed=()) -> Universe:
    suites = [
        Listed("base", [package(line) for line in base]),
        Listed("other", [package(line, "other") for line in other]),
    ]
    keep = frozenset((name, version, f"{name}-{version}-base") for name, version in kept)
    fix = frozenset((*one.split(), f"{one.replace(' ', '-')}-other") for one in fixed)
    return Universe(suites, Policy(("base", "other"), overrides or {}, keep, fix))


def chosen(universe: Universe, *wanted: str) -> list[str]:
    return [f"{p.name} {p.version}" for p in solve(universe, wanted).packages]


def refused(universe: Universe, *wanted: str) -> ResolveError:
    with pytest.raises(ResolveError) as caught:
        solve(universe, wanted)
    return caught.value


def test_the_closure_and_its_edges():
    universe = world(
        ["app 1; needs lib (>= 2), tool", "lib 2; needs libc", "tool 1", "libc 1", "x 1"]
    )
    solution = solve(universe, ["app"])
    assert [p.name for p in solution.packages] == ["app", "lib", "libc", "tool"]
    assert solution.needs == {"app": ("lib", "tool"), "lib": ("libc",), "libc": (), "tool": ()}


def test_circles_are_fine():
    assert chosen(world(["aa 1; needs bb", "bb 1; needs aa"]), "aa") == ["aa 1", "bb 1"]


def test_the_highest_version_wins():
    assert chosen(world(["aa 1.9", "aa 1.10", "aa 1.10~rc1"]), "aa") == ["aa 1.10"]


def test_an_older_version_is_taken_where_a_need_asks_for_it():
    universe = world(["app 1; needs lib (<< 2)", "lib 2", "lib 1"])
    assert chosen(universe, "app", "lib") == ["app 1", "lib 1"]


def test_the_first_alternative_that_can_be_met_is_taken():
    assert chosen(world(["app 1; needs aa | bb", "aa 1", "bb 1"]), "app") == ["aa 1", "app 1"]
    assert chosen(world(["app 1; needs aa (>= 2) | bb", "aa 1", "bb 1"]), "app") == [
        "app 1",
        "bb 1",
    ]


def test_an_alternative_whose_own_needs_fail_is_passed_over():
    universe = world(["app 1; needs aa | bb", "aa 1; needs cc", "cc 1; needs gone", "bb 1"])
    assert chosen(universe, "app") == ["app 1", "bb 1"]


def test_an_alternative_that_is_there_anyway_is_preferred():
    lines = ["app 1; needs aa | bb", "aa 1", "bb 1", "more 1; needs even", "even 1; needs bb"]
    assert chosen(world(lines), "app", "more") == ["app 1", "bb 1", "even 1", "more 1"]


def test_an_alternative_that_is_refused_is_passed_over():
    lines = ["app 1; needs aa | bb", "aa 1; refuses zz", "bb 1", "zz 1"]
    assert chosen(world(lines), "app", "zz") == ["app 1", "bb 1", "zz 1"]


def test_a_refusal_found_late_turns_an_alternative_down():
    choices = [
        "app 1; needs aa | bb",
        "aa 1",
        "bb 1",
        "job 1; needs cc | dd",
        "cc 1; needs ee",
        "dd 1",
    ]
    assert chosen(world([*choices, "ee 1; refuses aa"]), "app", "job") == [
        "app 1", "bb 1", "cc 1", "ee 1", "job 1",
    ]  # fmt: skip


def test_a_virtual_package_goes_to_the_most_important_provider():
    lines = ["app 1; needs awk", "gawk 1; provides awk", "mawk 1; provides awk; priority 0"]
    assert chosen(world(lines), "app") == ["app 1", "mawk 1"]


def test_a_real_package_comes_before_one_that_provides_its_name():
    lines = ["app 1; needs mta", "aa 1; provides mta; priority 0", "mta 1"]
    assert chosen(world(lines), "app") == ["app 1", "mta 1"]


def test_a_provided_version_counts():
    lines = ["app 1; needs v (>= 2)", "aa 1; provides v", "bb 1; provides v (= 2)"]
    assert chosen(world(lines), "app") == ["app 1", "bb 1"]


def test_a_package_may_refuse_what_it_provides_itself():
    assert chosen(world(["aa 1; provides v; refuses v"]), "aa") == ["aa 1"]


def test_refusals_are_reported_with_both_chains():
    lines = ["app 1; needs aa", "aa 1; refuses bb (<< 3)", "job 1; needs bb", "bb 2"]
    message = refused(world(lines), "app", "job").message
    assert "aa 1 (base) can't be together with bb 2 (base)" in message
    assert "refuses bb (<< 3)" in message
    assert "app -> aa and by job -> bb" in message


def test_a_need_that_fails_names_who_asked():
    lines = ["app 1; needs aa", "aa 1; needs bb", "bb 1; needs lib (>= 3) | gone", "lib 2"]
    message = refused(world(lines), "app").message
    assert "bb 1 (base) needs lib (>= 3) | gone, which can't be met" in message
    assert "there is only lib 2 (base)" in message
    assert message.endswith("asked for by app -> aa -> bb")


def test_a_need_for_nothing_that_exists():
    message = refused(world(["app 1; needs gone"]), "app").message
    assert "app 1 (base) needs gone, which can't be met: there is no such package" in message


def test_needs_that_exclude_each_other_are_reported():
    lines = ["app 1; needs lib (<< 2)", "job 1; needs lib (>= 2)", "lib 1", "lib 2"]
    message = refused(world(lines), "app", "job").message
    assert "lib" in message
    assert "can't be met" in message


def test_an_unknown_name_gets_a_suggestion():
    error = refused(world(["gcc 12", "git 2"]), "gccc")
    assert "there is no package gccc in base" in error.message
    assert "gcc?" in error.hint


def test_an_override_moves_its_whole_source_and_nothing_else():
    base = ["app 1; needs dev", "dev 1 from glibc; needs libc (= 1)", "libc 1 from glibc", "zlib 1"]
    other = ["app 9", "dev 2 from glibc; needs libc (= 2), zlib", "libc 2 from glibc", "zlib 9"]
    universe = world(base, other, {"libc": "other"})
    assert chosen(universe, "app", "libc") == ["app 1", "dev 2", "libc 2", "zlib 1"]


def test_another_suite_helps_only_where_the_base_falls_short():
    base = ["libc 1", "zlib 1", "ssl 1"]
    other = ["py 3; needs libc (>= 2), zlib", "libc 2", "zlib 9", "ssl 9"]
    assert chosen(world(base, other, {"py": "other"}), "py", "ssl") == [
        "libc 2", "py 3", "ssl 1", "zlib 1",
    ]  # fmt: skip


def test_an_overridden_package_is_never_taken_from_elsewhere():
    error = refused(world(["app 1; needs lib (<< 2)", "lib 1"], ["lib 2"], {"lib": "other"}), "app")
    assert "app 1 (base) needs lib (<< 2)" in error.message
    assert "there is only lib 2 (other)" in error.message


def test_a_provider_of_the_base_comes_before_the_name_in_another_suite():
    universe = world(["app 1; needs mta", "aa 1; provides mta"], ["mta 1", "zz 1"], {"zz": "other"})
    assert chosen(universe, "app") == ["aa 1", "app 1"]


def test_kept_versions_stay_as_long_as_they_fit():
    lines = ["app 1; needs lib", "lib 1", "lib 2"]
    assert chosen(world(lines), "app") == ["app 1", "lib 2"]
    assert chosen(world(lines, kept=[("lib", "1")]), "app") == ["app 1", "lib 1"]
    assert chosen(world(lines, kept=[("lib", "0")]), "app") == ["app 1", "lib 2"]


def test_of_what_is_fixed_there_is_nothing_else():
    """As what an environment consists of is to what only stands on it."""
    base, other = ["app 1; needs lib", "lib 1", "late 1; needs lib (<< 2)"], ["lib 2"]
    assert chosen(world(base, other, kept=[("lib", "1")]), "lib", "app") == ["app 1", "lib 1"]
    fixed = world(base, other, fixed=["lib 2"])
    assert chosen(fixed, "lib", "app") == ["app 1", "lib 2"]
    assert "late 1 (base) needs lib (<< 2)" in refused(fixed, "late").message


def test_a_kept_version_gives_way_to_a_need():
    lines = ["app 1; needs lib (>= 2)", "lib 1", "lib 2"]
    assert chosen(world(lines, kept=[("lib", "1")]), "app") == ["app 1", "lib 2"]


def test_a_kept_package_follows_what_moved_under_it():
    lines = ["dev 1; needs lib (= 1)", "dev 2; needs lib (= 2)", "lib 1", "lib 2"]
    assert chosen(world(lines, kept=[("dev", "1")]), "dev") == ["dev 2", "lib 2"]


def test_a_kept_package_that_is_refused_gives_way():
    lines = ["app 1; refuses lib (<< 2)", "lib 1", "lib 2"]
    assert chosen(world(lines, kept=[("lib", "1")]), "app", "lib") == ["app 1", "lib 2"]


NAMES = ("aa", "bb", "cc", "dd", "ee", "ff")
VIRTUAL = ("vv", "ww")
OPERATORS = ("", "", "", "", ">=", ">=", "<<", "<=", "=", ">>")


@dataclass
class World:
    """Packages of two suites, what is wanted of them, and which come from the other suite."""

    packages: list[Package]
    wanted: list[str]
    overrides: dict[str, str]

    def outcome(self) -> Solution | str:
        """The answer, or the error's text: both are the same each time."""
        suites = [Listed(g, [p for p in self.packages if p.group == g]) for g in ("base", "other")]
        try:
            universe = Universe(suites, Policy(("base", "other"), self.overrides))
            return solve(universe, self.wanted)
        except ResolveError as error:
            return f"{error.message} {error.hint}"


@st.composite
def relation(draw, names):
    name, operator = draw(st.sampled_from(names)), draw(st.sampled_from(OPERATORS))
    return Relation(name, operator, draw(st.sampled_from(("1", "2", "3"))) if operator else "")


@st.composite
def worlds(draw, versions=("1", "2", "3"), refusals=1, groups=("base", "other")):
    """Random small worlds, most of which have an answer."""
    names = draw(st.sets(st.sampled_from(NAMES), min_size=2))
    key = st.tuples(
        st.sampled_from(sorted(names)), st.sampled_from(versions), st.sampled_from(groups)
    )
    keys = draw(st.lists(key, min_size=2, max_size=12, unique=True))
    known = (*sorted({name for name, _, _ in keys}), *VIRTUAL)
    alternatives = st.lists(relation(known), min_size=1, max_size=3).map(tuple)
    provided = st.builds(Relation, st.sampled_from(VIRTUAL))
    packages = [
        Package(
            name=name,
            version=version,
            group=group,
            source=draw(st.sampled_from((name, "shared"))),
            sha256=f"{name}-{version}-{group}",
            needs=tuple(draw(st.lists(alternatives, max_size=2))),
            provides=tuple(draw(st.lists(provided, max_size=1))),
            refuses=tuple(draw(st.lists(relation(known), max_size=refusals))),
            priority=draw(st.integers(0, 4)),
        )
        for name, version, group in keys
    ]
    wanted = st.lists(st.sampled_from(known[: -len(VIRTUAL)]), min_size=1, max_size=3, unique=True)
    over = {name for name, _, group in keys if group == "other"}
    chosen = draw(st.sets(st.sampled_from(sorted(over)), max_size=2)) if over else set()
    return World(packages, draw(wanted), dict.fromkeys(sorted(chosen), "other"))


@given(worlds())
def test_an_answer_is_closed_and_peaceful_and_holds_nothing_else(world):
    answer = world.outcome()
    assume(isinstance(answer, Solution))
    assert len({p.name for p in answer.packages}) == len(answer.packages)
    for asked in world.wanted:
        assert any(p.meets(Relation(asked)) for p in answer.packages)
    for p in answer.packages:
        assert p.group == world.overrides.get(p.name, p.group)
        for need in p.needs:
            assert any(other.meets(r) for r in need for other in answer.packages)
        others = [other for other in answer.packages if other is not p]
        assert not any(other.meets(r) for r in p.refuses for other in others)


@given(worlds())
def test_everything_chosen_is_reached_from_what_is_wanted(world):
    answer = world.outcome()
    assume(isinstance(answer, Solution))
    by_name = {p.name: p for p in answer.packages}
    assert answer.needs.keys() == by_name.keys()
    asked = [Relation(name) for name in world.wanted]
    reached: set[str] = set()
    work = [p for p in answer.packages if any(p.meets(r) for r in asked)]
    while work:
        at = work.pop()
        if at.name not in reached:
            reached.add(at.name)
            named = [r for need in at.needs for r in need]
            work += [p for p in answer.packages if any(p.meets(r) for r in named)]
    assert reached == by_name.keys()


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_index_does_not_matter(world, random):
    shuffled = random.sample(world.packages, len(world.packages))
    wanted = random.sample(world.wanted, len(world.wanted))
    assert World(shuffled, wanted, world.overrides).outcome() == world.outcome()


@given(worlds(), st.lists(relation(NAMES), max_size=2))
def test_a_package_that_nothing_asks_for_changes_nothing(world, needs):
    before = world.outcome()
    assume(isinstance(before, Solution))
    needless = Package("zz", "1", "base", sha256="zz", needs=tuple((r,) for r in needs), priority=0)
    more = World([*world.packages, needless], world.wanted, world.overrides)
    assert more.outcome() == before


@given(worlds(versions=("1",), refusals=0, groups=("base",)))
def test_with_one_version_each_an_answer_is_found_whenever_there_is_one(world):
    able = list(world.packages)
    while True:
        left = [
            p for p in able if all(any(o.meets(r) for r in need for o in able) for need in p.needs)
        ]
        if left == able:
            break
        able = left
    there_is = all(any(p.meets(Relation(asked)) for p in able) for asked in world.wanted)
    assert isinstance(world.outcome(), Solution) == there_is

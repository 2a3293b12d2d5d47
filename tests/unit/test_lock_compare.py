"""What changed is named: between question and lock, and between two locks."""

from dataclasses import replace
from pathlib import Path

from nixrepro import config
from nixrepro.lock import Artefact, Change, Lock, Move, changes, compare

TEXT = """\
[project]
name = "x"
dependencies = ["numpy", "click"]
[tool.nixrepro.base]
packages = ["gcc"]
[tool.nixrepro.data.table]
path = "table.csv"
sha256 = "{}"
store = true
"""


def parse(text: str) -> config.Config:
    return config.parse(text.format("ab" * 32), Path("x"))


def lock_of(*artefacts: Artefact, text: str = TEXT) -> Lock:
    return Lock("3.11.2", "2.36", config.question(parse(text)), artefacts)


def deb(name: str, version: str, sha: str = "00", role: str = "") -> Artefact:
    return Artefact("system", name, version, "deb", role, f"{name}.deb", 1, sha * 32, "debian", "p")


def test_nothing_changed() -> None:
    assert compare(lock_of(), parse(TEXT)) == []


def test_each_changed_value_is_named_with_both_its_values() -> None:
    now = (
        TEXT.replace('"click"', '"rich"')
        .replace("[tool.nixrepro.base]", '[tool.nixrepro.base]\nsuite = "sid"')
        .replace("[tool.nixrepro.data.table]", "[tool.nixrepro.data.table]\noptional = true")
        .replace("[project]", "[tool.nixrepro]\nrecord-urls = false\n[project]")
    )
    assert compare(lock_of(), parse(now)) == [
        Change("base.suite", "bookworm", "sid"),
        Change("data.table.optional", "", "true"),
        Change("record-urls", "true", "false"),
        Change("wheels.requirements", "click", ""),
        Change("wheels.requirements", "", "rich"),
    ]


PORTABLE = '[tool.nixrepro.numerics]\nprofile = "portable"\n'


def test_the_portable_profile_adds_a_compiler_and_outdates_no_lock_that_has_it() -> None:
    bare = TEXT.replace('packages = ["gcc"]', "")
    added = Change("base.for-profile", "", "gcc")
    assert compare(lock_of(text=bare), parse(bare + PORTABLE)) == [added]
    # Back, and to and fro where it is asked for anyway.
    assert compare(lock_of(text=bare + PORTABLE), parse(bare)) == []
    assert compare(lock_of(), parse(TEXT + PORTABLE)) == []
    assert compare(lock_of(text=bare + PORTABLE), parse(TEXT)) == []
    assert compare(lock_of(text=TEXT + PORTABLE), parse(bare + PORTABLE)) == []
    # Who asked for it and does no more gets another lock.
    assert compare(lock_of(), parse(bare)) == [Change("base.packages", "gcc", "")]


def test_a_lock_of_an_older_nixrepro_has_it_among_the_packages() -> None:
    bare = TEXT.replace('packages = ["gcc"]', "")
    assert compare(lock_of(), parse(bare + PORTABLE)) == []


def test_what_came_and_went_whole_is_named() -> None:
    without = TEXT.partition("[tool.nixrepro.data.table]")[0]
    gone = compare(lock_of(), parse(without))
    assert [(change.key, change.new) for change in gone] == [
        ("data.table.path", ""),
        ("data.table.sha256", ""),
    ]
    back = compare(lock_of(text=without), parse(TEXT))
    assert [(change.key, change.old) for change in back] == [
        ("data.table.path", ""),
        ("data.table.sha256", ""),
    ]


def test_moves_are_added_removed_changed_and_rebuilt_in_lock_order() -> None:
    wheel = replace(deb("numpy", "2"), layer="wheels", kind="wheel")
    old = lock_of(deb("a", "1"), deb("b", "1"), deb("c", "1"), deb("same", "1"), wheel)
    new = lock_of(
        deb("b", "2", "11"),
        deb("c", "1", "22"),
        deb("d", "1"),
        deb("same", "1"),
        deb("same", "1", role="bootstrap"),
        replace(wheel, version="3", sha256="33" * 32),
    )
    assert changes(old, new) == [
        Move("system", "", "a", "1", ""),
        Move("system", "", "b", "1", "2"),
        Move("system", "", "c", "1", "1"),
        Move("system", "", "d", "", "1"),
        Move("system", "bootstrap", "same", "", "1"),
        Move("wheels", "", "numpy", "2", "3"),
    ]
    assert changes(new, new) == []


def test_from_no_lock_all_is_added_and_data_is_named_by_its_digest() -> None:
    data = Artefact("data", "t", "", "file", "", "t.csv", 0, "ab" * 32, "", "", path="t.csv")
    assert changes(None, lock_of(data)) == [Move("data", "", "t", "", "abababababab")]


def test_two_versions_of_a_build_tool_stand_in_one_row() -> None:
    one = deb("tool", "1", role="build")
    both = lock_of(one, deb("tool", "2", "11", role="build"))
    assert changes(lock_of(one), both) == [Move("system", "build", "tool", "1", "1, 2")]

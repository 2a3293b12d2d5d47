"""Comparing sides: nothing against itself, the same both ways, unknown never a difference."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.closure import Closure, StorePath
from nixrepro.diff import compare
from nixrepro.diff.compare import packages
from nixrepro.diff.known import inputs, of_closure, of_lock, of_record
from nixrepro.diff.model import ADDED, CHANGED, CONTENT, REMOVED, Change, Package, Side
from nixrepro.diff.names import store_name

from .conftest import PATH, Make, deb, lock

NAMES = st.sampled_from(["a", "b", "c", "libc6"])
PACKAGES = st.lists(
    st.builds(
        Package,
        name=NAMES,
        version=st.sampled_from(["", "1", "2"]),
        role=st.sampled_from(["", "bootstrap"]),
        sha256=st.sampled_from(["", "x" * 64, "y" * 64]),
        nar_hash=st.sampled_from(["", "sha256:0", "sha256:1"]),
    )
)


@given(PACKAGES)
def test_nothing_differs_from_itself(some: list[Package]) -> None:
    assert packages(some, list(reversed(some))) == ()


@given(PACKAGES, PACKAGES)
def test_both_ways_say_the_same(old: list[Package], new: list[Package]) -> None:
    turned = {ADDED: REMOVED, REMOVED: ADDED, CHANGED: CHANGED, CONTENT: CONTENT}
    there = packages(old, new)
    back = packages(new, old)
    assert [Change(c.subject, turned[c.kind], c.new, c.old) for c in back] == list(there)


@given(PACKAGES, PACKAGES)
def test_what_was_added_and_removed_is_what_only_one_has(
    old: list[Package], new: list[Package]
) -> None:
    keys = [{(each.name, each.role) for each in side} for side in (old, new)]
    found = packages(old, new)
    for kind, only in ((ADDED, keys[1] - keys[0]), (REMOVED, keys[0] - keys[1])):
        said = {change.subject for change in found if change.kind == kind}
        assert said == {name + (f" ({role})" if role else "") for name, role in only}


def test_same_version_with_other_content() -> None:
    (found,) = packages([Package("a", "1", sha256="x" * 64)], [Package("a", "1", sha256="y" * 64)])
    assert found == Change("a", CONTENT, "x" * 12, "y" * 12)
    (found,) = packages(
        [Package("a", "1", sha256="x", nar_hash="sha256:0")],
        [Package("a", "1", sha256="x", nar_hash="sha256:1")],
    )
    assert found == Change("a", CONTENT, "0", "1")


def test_a_content_that_one_side_does_not_know_is_no_difference() -> None:
    known = [Package("a", "1", sha256="x", nar_hash="sha256:0", path="/p")]
    assert packages(known, [Package("a", "1")]) == ()
    assert packages(known, [Package("a", "1", sha256="x")]) == ()


def test_a_second_one_of_a_name_and_version_is_seen() -> None:
    one = Package("a", "1", nar_hash="sha256:0", path="/1")
    two = replace(one, nar_hash="sha256:1", path="/2")
    (found,) = packages([one], [one, two])
    assert (found.kind, found.old, found.new) == (CHANGED, "1", "1, 1")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("glibc-2.36-9", ("glibc", "2.36-9")),
        ("nixrepro-system-debian", ("nixrepro-system-debian", "")),
        ("libc6_2.36-9+deb12u14_amd64.deb", ("libc6_2.36", "9+deb12u14_amd64.deb")),
        ("python3.11", ("python3.11", "")),
        ("a--b", ("a", "-b")),
    ],
)
def test_name_and_version_of_a_store_path(path: str, expected: tuple[str, str]) -> None:
    assert store_name(PATH + path) == expected


def layers(a: Side, b: Side) -> dict[str, list[tuple[str, str, Any, Any]]]:
    return {
        part.layer: [(each.subject, each.kind, each.old, each.new) for each in part.changes]
        for part in compare(a, b).parts
        if part.changes
    }


def test_each_layer_of_two_runs(make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        found = document["layers"]
        found["hardware"]["cpu"].update(model="B", flags=["avx", "avx512f"], microcode="0x1")
        found["system"][0].update(version="2.37")
        found["wheels"].append({"name": "keras", "version": "3", "sha256": "f" * 64})
        found["data"][0]["sha256"] = "0" * 64
        found["code"]["tree"] = "f" * 40
        found["settings"].update(seed=43, variables={"A": "1"})
        document["closure"][2]["narHash"] = "sha256:" + "3" * 52

    a, b = of_record(make("a")), of_record(make("b", edit))
    assert layers(a, b) == {
        "hardware": [
            ("cpu.flags", CHANGED, ("avx", "fma"), ("avx", "avx512f")),
            ("cpu.model", CHANGED, "A", "B"),
        ],
        "system": [("libc6", CHANGED, "2.36", "2.37")],
        "wheels": [("keras", ADDED, None, "3")],
        "data": [("mnist", CONTENT, "c" * 12, "0" * 12)],
        "code": [("tree", CHANGED, "e" * 40, "f" * 40)],
        "settings": [("seed", CHANGED, 42, 43), ("variables.A", ADDED, None, "1")],
        "store": [("environment", CONTENT, "2" * 12, "3" * 12)],
    }
    hardware = compare(a, b).parts[0]
    assert hardware.changes[0].detail == ("+avx512f", "-fma")
    assert hardware.unknown == (("cpu.microcode", "a: hidden"),)
    assert compare(a, a).layers == () and compare(a, a).same


def test_a_commit_of_what_ran_uncommitted_is_the_same_code(make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["code"].update(commit="0" * 40, dirty=True)

    assert compare(of_record(make("a")), of_record(make("b", edit))).layers == ()


def test_what_a_lock_does_not_know_is_unknown(make: Make) -> None:
    run = of_record(make())
    found = compare(run, of_lock(lock(deb("libc6", "2.36")), "l"))
    assert found.layers == ("wheels", "data")
    unknown = {part.layer: part.unknown for part in found.parts if part.unknown}
    assert unknown.keys() == {"hardware", "code", "settings"}
    assert unknown["code"] == (("", "b: a lock says nothing of it"),)


def test_a_key_that_one_side_can_not_know_is_unknown(make: Make) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["layers"]["settings"]["passed"] = {"TOKEN": "1234"}

    run = of_record(make("a", edit))
    facts = {"command": "python train.py", "seed": 42, "deterministic": True}
    gaps = {"settings.passed": "no", "settings.folder": "no"}
    other = Side("r", "revision", facts={"settings": facts}, unknown=gaps)
    settings = compare(run, other).parts[6]
    assert settings.changes == ()
    assert settings.unknown == (("folder", "b: no"), ("passed.TOKEN", "b: no"))
    # All variables are known to be none, so that one more is a difference.
    more = replace(run, facts={"settings": {**run.facts["settings"], "variables.X": "1"}})
    (change,) = compare(more, other).parts[6].changes
    assert (change.subject, change.kind) == ("variables.X", REMOVED)


def test_roles_count_between_locks_only(make: Make) -> None:
    old = of_lock(lock(deb("libc6", "2.36"), deb("libc6", "2.36", role="bootstrap")), "o")
    new = of_lock(lock(deb("libc6", "2.36"), deb("libc6", "2.35", role="bootstrap")), "n")
    assert layers(old, new) == {"system": [("libc6 (bootstrap)", CHANGED, "2.36", "2.35")]}
    assert "system" not in layers(of_record(make()), new)


def test_pins_of_flake_lock_count_where_both_have_one() -> None:
    text = '{"nodes": {"root": {}, "nixpkgs": {"locked": {"rev": "%s", "narHash": "sha256-%s"}}}}'
    one = of_lock(lock(), "1", inputs(text % ("1" * 40, "a")))
    two = of_lock(lock(), "2", inputs(text % ("2" * 40, "b")))
    assert layers(one, two) == {"system": [("nixpkgs (flake input)", CHANGED, "1" * 12, "2" * 12)]}
    assert layers(one, of_lock(lock(), "3")) == {}
    assert inputs("no") == inputs('{"nodes": []}') == ()


@pytest.mark.alone
def test_ten_thousand_store_paths_take_less_than_a_second() -> None:
    def closure(version: int) -> Closure:
        paths = (
            StorePath(
                f"/nix/store/{number * (7 + version):032d}-p{number}-{version + number % 7}",
                f"sha256:{number % 3:052d}",
                1,
            )
            for number in range(10_000)
        )
        return Closure(tuple(paths))

    old, new = of_closure(closure(0), "0"), of_closure(closure(1), "1")
    begun = time.perf_counter()
    found = compare(old, new)
    assert time.perf_counter() - begun < 1
    assert len(found.parts[-1].changes) == 10_000


def test_a_store_path_is_unknown_in_all_layers(tmp_path: Path) -> None:
    side = of_closure(Closure(()), "p")
    assert len(side.unknown) == 7
    assert compare(side, side).same

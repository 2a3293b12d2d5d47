"""A mixed lock is a lock: canonical, whole, and at its ends the one or the other."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nixrepro.lock import Artefact, Lock, dumps, parse
from nixrepro.mixing import closed, entries, mixed, units

from .parts import States, deb, lock, sdist, wheel

NAMES = [f"p{number}" for number in range(12)]


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    names = draw(st.sets(st.sampled_from(NAMES)))
    made = []
    for name in sorted(names):
        version = draw(st.sampled_from(["1", "2"]))
        some = [each for each in sorted(names) if each < name]
        needs = draw(st.sets(st.sampled_from(some), max_size=2)) if some else set()
        made.append(deb(name, version, *needs))
    tools = {word for word in draw(st.sets(st.sampled_from(["65", "70"])))}
    sources = [sdist("s", "1", *(f"setuptools=={word}" for word in sorted(tools)))]
    builders = [wheel("setuptools", word, role="build") for word in sorted(tools)]
    return lock(*made, *sources, *builders)


def stating(*locks: Lock) -> States:
    fields = {
        (each.name, each.version): {"Depends": ", ".join(each.dependencies)}
        for one in locks
        for each in one.artefacts
    }
    return States(fields)


def content(one: Lock) -> set[Artefact]:
    return {replace(each, dependencies=()) for each in one.artefacts}


@given(locks(), locks(), st.data())
def test_every_mix_is_a_lock(a: Lock, b: Lock, data: st.DataObject) -> None:
    found = units(a, b, stating(a, b))
    assert {entry.key for unit in found for entry in unit.entries} == {
        entry.key for entry in entries(a, b)
    }
    some = data.draw(st.sets(st.integers(0, len(found) - 1))) if found else set()
    made = mixed(a, b, found, closed(found, frozenset(some)))
    text = dumps(made)
    assert dumps(parse(text)) == text
    assert made.question == a.question
    assert dumps(mixed(a, b, found, frozenset())) == dumps(a)
    whole = mixed(a, b, found, frozenset(range(len(found))))
    assert content(whole) == content(b)


def test_versions_of_python_and_glibc_move_with_their_packages() -> None:
    a = lock(deb("libc6", "2.36-9"), deb("python3.11", "3.11.2-1"), deb("sed", "1"))
    b = lock(
        *(deb("libc6", "2.41-1"), deb("python3.11", "3.11.9-1"), deb("sed", "2")),
        python="3.11.9",
        glibc="2.41",
    )
    found = units(a, b, States({}))
    number = {unit.names[0]: place for place, unit in enumerate(found)}

    def versions(*names: str) -> tuple[str, str]:
        made = mixed(a, b, found, {number[name] for name in names})
        return made.python, made.glibc

    assert versions("sed") == ("3.11.2", "2.36")
    assert versions("libc6") == ("3.11.2", "2.41")
    assert versions("python3.11", "sed") == ("3.11.9", "2.36")


def test_what_unpacks_and_what_watches_stay() -> None:
    def one(version: str, *more: Artefact) -> Lock:
        observer = deb("strace", version, "libc6", "libunwind8", role="observer")
        return lock(
            *(deb("libc6", version), deb("libc6", version, role="bootstrap"), *more),
            *(deb("libunwind8", version), observer),
        )

    a, b = one("1"), one("2", deb("new", "1"))
    b = replace(b, artefacts=tuple(each for each in b.artefacts if each.name != "libunwind8"))
    found = units(a, b, States({}))
    made = mixed(a, b, found, range(len(found)))
    parse(dumps(made))
    by_role = {(each.role, each.name): each for each in made.artefacts}
    assert by_role["bootstrap", "libc6"].version == "1" and by_role["", "libc6"].version == "2"
    assert by_role["observer", "strace"].dependencies == ("libc6",)

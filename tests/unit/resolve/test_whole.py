"""Only what the changed part of the question needs is resolved anew."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nixrepro.config import Base, Config, Data, Settings, Train, Wheels, question
from nixrepro.errors import ResolveError
from nixrepro.lock import Artefact, Lock, dumps, lacking, parse
from nixrepro.lock.sets import BOOTSTRAP, OBSERVER, REQUIRED
from nixrepro.resolve import resolve
from nixrepro.resolve.whole import Names

DEB = Artefact(
    *("system", "libc6", "2.36-9", "deb", "", "libc6_2.36-9_amd64.deb", 1, "aa" * 32, "debian"),
    "pool/main/g/glibc/libc6_2.36-9_amd64.deb",
)
WHEEL = Artefact(
    "wheels", "scikit-learn", "1", "wheel", "", "s-1-py3-none-any.whl", 1, "bb" * 32, "", ""
)
# What nixrepro asks for itself, whatever is asked for.
OWN = tuple(
    replace(DEB, name=name, role=role, file=f"{name}.deb", location=f"pool/main/x/{name}.deb")
    for role, names in (("", REQUIRED), ("bootstrap", BOOTSTRAP), ("observer", OBSERVER))
    for name in names
    if (name, role) != (DEB.name, DEB.role)
)
CUDA = replace(WHEEL, layer="accelerator", name="nvidia-cudnn")
CONFIG = Config(
    Path("x"), "x", "", Base(), Wheels(requirements=("scikit-learn",)), (), Train(), Settings(), ()
)
ALL: Names = frozenset()


class Answer(NamedTuple):
    """What the system layer answers."""

    python: str
    glibc: str
    artefacts: tuple[Artefact, ...]


class Recorder:
    """Answers with the same artefacts each time, and keeps what each layer was asked."""

    def __init__(self, python: str = "3.11.2", glibc: str = "2.36") -> None:
        self.base = (python, glibc)
        self.asked: list[tuple[str, Lock | None, Names, date | None]] = []

    def system(self, config: Config, *, keep: Any, upgrade: Names, as_of: Any) -> Any:
        self.asked.append(("system", keep, upgrade, as_of))
        asked = {*config.base.packages} - {each.name for each in OWN}
        more = (replace(OWN[0], name=name, role="") for name in sorted(asked))
        return Answer(*self.base, (DEB, *OWN, *more))

    def wheels(
        self, config: Config, *, python: str, glibc: str, keep: Any, upgrade: Names, as_of: Any
    ) -> tuple[Artefact, ...]:
        assert (python, glibc) == self.base
        self.asked.append(("wheels", keep, upgrade, as_of))
        return (WHEEL, CUDA)

    @property
    def layers(self) -> list[str]:
        return [row[0] for row in self.asked]


def run(layers: Recorder, config: Config = CONFIG, **how: Any) -> Lock:
    asked: dict[str, Any] = {"keep": None, "upgrade": None, "as_of": None, **how}
    return resolve(config, layers=layers, **asked)


LOCK = run(Recorder())


def test_the_answer_holds_all_layers_in_order() -> None:
    assert [each for each in LOCK.artefacts if each not in OWN] == [DEB, CUDA, WHEEL]
    assert (LOCK.python, LOCK.glibc, LOCK.as_of) == ("3.11.2", "2.36", "")
    assert LOCK.question == question(CONFIG)
    assert parse(dumps(LOCK)) == LOCK


def test_an_answered_question_asks_nobody() -> None:
    layers = Recorder()
    assert run(layers, keep=LOCK) == LOCK
    assert layers.asked == []


@pytest.mark.parametrize("name", ["libdeflate0", "strace", "tar"])
def test_a_lock_of_an_older_nixrepro_is_completed(name: str) -> None:
    older = replace(LOCK, artefacts=tuple(a for a in LOCK.artefacts if a.name != name))
    assert lacking(older, CONFIG) == [name]
    layers = Recorder()
    assert run(layers, keep=older) == LOCK
    assert layers.asked == [("system", older, None, None)]


def test_a_compiler_wants_headers_of_the_kept_lock_too() -> None:
    assert lacking(LOCK, CONFIG) == []
    assert lacking(LOCK, replace(CONFIG, base=Base(packages=("gcc",)))) == ["gcc", "libpython3-dev"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (replace(CONFIG, wheels=Wheels(requirements=("numpy",))), ["wheels"]),
        (replace(CONFIG, wheels=replace(CONFIG.wheels, no_binary=("numpy",))), ["wheels"]),
        (replace(CONFIG, requires_python=">=3"), ["wheels"]),
        (replace(CONFIG, base=Base(packages=("git",))), ["system"]),
        (replace(CONFIG, overrides=(("libc6", "sid"),)), ["system"]),
        (replace(CONFIG, record_urls=False), ["system", "wheels"]),
        (replace(CONFIG, data=(Data("t", "ab" * 32, url="https://data.example/t"),)), []),
        (replace(CONFIG, base=Base(mirror="https://mirror.example")), []),
        (replace(CONFIG, settings=Settings(seed=1)), []),
    ],
)
def test_a_changed_question_asks_its_layer_only(config: Config, expected: list[str]) -> None:
    layers = Recorder()
    got = run(layers, config, keep=LOCK)
    assert layers.layers == expected
    assert all(row[1:] == (LOCK, None, None) for row in layers.asked)
    assert got.question == question(config)
    assert {DEB, WHEEL, CUDA} <= set(got.artefacts)


@pytest.mark.parametrize("base", [("3.13.5", "2.36"), ("3.11.2", "2.41")])
def test_another_python_or_glibc_asks_for_the_wheels_too(base: tuple[str, str]) -> None:
    layers = Recorder(*base)
    got = run(layers, replace(CONFIG, base=Base(suite="trixie")), keep=LOCK)
    assert layers.layers == ["system", "wheels"]
    assert (got.python, got.glibc) == base


def test_upgrading_all_asks_both_layers_with_the_old_lock_at_hand() -> None:
    layers = Recorder()
    run(layers, keep=LOCK, upgrade=ALL)
    assert layers.asked == [("system", LOCK, ALL, None), ("wheels", LOCK, ALL, None)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libc6", ("system", "libc6")),
        ("Scikit_Learn", ("wheels", "scikit-learn")),
        ("nvidia-cudnn", ("wheels", "nvidia-cudnn")),
    ],
)
def test_upgrading_a_name_asks_its_layer_only(name: str, expected: tuple[str, str]) -> None:
    layers = Recorder()
    run(layers, keep=LOCK, upgrade=frozenset({name}))
    assert layers.asked == [(expected[0], LOCK, frozenset({expected[1]}), None)]


def test_upgrading_what_is_not_there_says_what_was_meant() -> None:
    layers = Recorder()
    with pytest.raises(ResolveError, match="'libc'") as caught:
        run(layers, keep=LOCK, upgrade=frozenset({"libc"}))
    assert "'libc6'" in caught.value.hint
    assert layers.asked == []


def test_another_day_keeps_nothing_and_the_same_day_keeps_all() -> None:
    day = date(2022, 3, 1)
    layers = Recorder()
    got = run(layers, keep=LOCK, as_of=day)
    assert layers.asked == [("system", None, None, day), ("wheels", None, None, day)]
    assert got.as_of == "2022-03-01"
    again = Recorder()
    assert run(again, keep=got, as_of=day) == got
    assert again.asked == []

"""What `--set` means: full and short keys, values as pyproject.toml takes them, what differs."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.errors import ConfigError, NixreproError
from nixrepro.relaunch import arguments
from nixrepro.relaunch.changes import applied, said
from nixrepro.relaunch.keys import parse

RECORDED: dict[str, Any] = {
    "command": ["python", "train.py", "--epochs", "5", "--lr=0.1", "--fast"],
    "folder": ".",
    "seed": 42,
    "deterministic": True,
    "variables": {"A": "1"},
    "passed": {},
}
PORTABLE = {"profile": "portable", "cpu": "haswell", "threads": 4, "by": "vcpu", "vcpu": "/x"}


def change(*words: str, command: tuple[str, ...] = (), **more: Any) -> tuple[Any, Any]:
    return applied(parse(words, command), {**RECORDED, **more})


def test_nothing_is_changed_by_nothing_or_by_what_it_was() -> None:
    assert change() == (RECORDED, {})
    assert change("seed=42", "variables.A=1", "arguments.epochs=5", "profile=native")[1] == {}


@pytest.mark.parametrize(
    ("word", "key", "old", "new"),
    [
        ("seed=7", "settings.seed", 42, 7),
        ("settings.seed=0", "settings.seed", 42, 0),
        ("deterministic=false", "settings.deterministic", True, False),
        ("variables.A=2", "settings.variables.A", "1", "2"),
        ("settings.variables.B=x=y", "settings.variables.B", None, "x=y"),
        ("variables.C=", "settings.variables.C", None, ""),
        ("variables.D=true", "settings.variables.D", None, "true"),
        ("threads=3", "numerics.threads", None, 3),
    ],
)
def test_one_key(word: str, key: str, old: Any, new: Any) -> None:
    assert change(word)[1] == {key: [old, new]}


def test_the_last_of_two_counts() -> None:
    assert change("seed=1", "seed=2")[0]["seed"] == 2


def test_a_profile_brings_what_it_needs_and_leaves_what_it_has_not() -> None:
    settings, changed = change("profile=portable")
    assert settings["numerics"] == {"profile": "portable", "cpu": "x86-64-v3", "threads": 4}
    assert changed["numerics.profile"] == ["native", "portable"]
    settings, changed = change("profile=native", numerics=PORTABLE)
    assert settings["numerics"] == {"threads": 4}
    assert changed == {
        "numerics.profile": ["portable", "native"],
        "numerics.cpu": ["haswell", None],
    }
    settings, _ = change("cpu=skylake", numerics=PORTABLE)
    assert settings["numerics"] == {"profile": "portable", "cpu": "skylake", "threads": 4}
    # What stood in for the CPU then says nothing about this machine.
    assert change("seed=1", numerics=PORTABLE)[0]["numerics"] == PORTABLE


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("seed", "a key needs a value", "--set seed=7"),
        ("sed=1", "no such key", "did you mean seed?"),
        ("settings.sed=1", "no such key", "did you mean settings.seed?"),
        ("variabels.X=1", "no such key", "did you mean variables.X?"),
        ("numerics.thread=1", "no such key", "did you mean numerics.threads?"),
        ("data.=x", "no such key", "data.NAME"),
        ("command=x", "given as words", "-- COMMAND"),
        ("seed=many", "must be a whole number, not a string", ""),
        ("seed=-1", "--set settings.seed", ""),
        ("seed=007", "must be a whole number", ""),
        ("deterministic=yes", "must be true or false", ""),
        ("profile=portabel", "--set numerics.profile", "portable"),
        ("cpu=haswell", "is that of the portable profile", "portable"),
        ("variables.PATH=/x", "can't set PATH", ""),
        ("variables.NIXREPRO_X=1", "can't set NIXREPRO_X", ""),
        ("arguments.epoch=3", "has no --epoch", "did you mean arguments.epochs?"),
        ("arguments.fast=3", "has no value", "-- COMMAND"),
    ],
)
def test_what_is_refused_and_how(word: str, message: str, hint: str) -> None:
    with pytest.raises(NixreproError) as error:
        change(word)
    assert message in error.value.message
    assert hint in error.value.hint
    assert "tool.nixrepro" not in error.value.message


def test_an_old_record_need_not_obey_the_rules_of_today() -> None:
    settings, changed = change("seed=7", variables={"NIXREPRO_OLD": "1"})
    assert settings["variables"] == {"NIXREPRO_OLD": "1"}
    assert changed == {"settings.seed": [42, 7]}


def test_arguments_of_the_command() -> None:
    settings, changed = change("arguments.epochs=9", "arguments.lr=0.2", "arguments.width=64")
    assert settings["command"] == [
        "python", "train.py", "--epochs", "9", "--lr=0.2", "--fast", "--width", "64",
    ]  # fmt: skip
    assert changed == {"settings.command": [RECORDED["command"], settings["command"]]}
    settings, _ = change("arguments.n=2", command=("true", "-n", "1"))
    assert settings["command"] == ["true", "-n", "2"]
    assert arguments.put(["x", "--learning-rate", "1"], "learning_rate", "2")[-1] == "2"
    # A negative number is a value.
    assert arguments.put(["x", "--a", "-1"], "a", "2") == ["x", "--a", "2"]
    with pytest.raises(NixreproError, match="2 times"):
        arguments.put(["x", "--a", "1", "--a=2"], "a", "3")


def test_what_a_person_reads() -> None:
    _, changed = change("seed=7", "variables.B=two words", "arguments.epochs=6")
    assert said({**changed, "data.table": ["a" * 64, "b" * 64]}) == [
        "data.table: aaaaaaaaaaaa -> bbbbbbbbbbbb",
        "settings.command: python train.py --epochs 5 --lr=0.1 --fast -> "
        "python train.py --epochs 6 --lr=0.1 --fast",
        "settings.seed: 42 -> 7",
        "settings.variables.B: none -> two words",
    ]
    assert said({"odd": 3}) == ["odd: none -> 3"]  # of a stranger's record


# As pyproject.toml takes them: no control characters.
TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)


@given(TEXTS)
def test_a_variable_takes_any_text(value: str) -> None:
    assert change(f"variables.X={value}")[0]["variables"]["X"] == value


@given(TEXTS, st.text(string.printable, max_size=20))
def test_whatever_is_typed_is_taken_or_refused_in_words(key: str, value: str) -> None:
    try:
        change(f"{key}={value}")
    except (ConfigError, NixreproError) as error:
        assert error.message

"""A tree's pyproject.toml says what the record of its run says."""

from __future__ import annotations

from typing import Any

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.bisect.settings import _toml, configured

PROJECT = """\
# A comment.
[project]
name = "p"
version = "0"

[tool.nixrepro.train]
command = ["python", "train.py"]

[tool.nixrepro.settings.variables]
EXTRA = "yes"

[tool.nixrepro.numerics]
profile = "portable"
threads = 2
"""
RECORDED: dict[str, Any] = {
    "command": ["python", "train.py"],
    "seed": 42,
    "deterministic": True,
    "variables": {"EXTRA": "yes"},
    "passed": {},
    "folder": ".",
    "numerics": {"profile": "portable", "cpu": "x86-64-v3", "threads": 2, "by": "vcpu"},
}


def tool(text: str) -> dict[str, Any]:
    found: dict[str, Any] = tomli.loads(text)["tool"]["nixrepro"]
    return found


def test_a_text_that_says_all_of_it_stays_as_it_is() -> None:
    assert configured(PROJECT.replace("threads", 'cpu = "x86-64-v3"\nthreads'), RECORDED) == (
        PROJECT.replace("threads", 'cpu = "x86-64-v3"\nthreads')
    )
    plain = '[project]\nname = "p"\n[tool.nixrepro.train]\ncommand = ["a"]\n'
    recorded = {"command": ["a"], "seed": 42, "deterministic": True, "variables": {}}
    assert configured(plain, recorded) == plain
    native = plain + '[tool.nixrepro.numerics]\nprofile = "native"\n'
    assert tool(configured(native, recorded)).get("numerics", {}) == {}


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("seed", 7, ("settings", "seed")),
        ("deterministic", False, ("settings", "deterministic")),
        ("variables", {"OTHER": 'a "b" \\ \x7f é'}, ("settings", "variables")),
        ("command", ["python", "-c", "print('x')\n"], ("train", "command")),
    ],
)
def test_what_the_run_had_otherwise(key: str, value: Any, place: tuple[str, str]) -> None:
    text = configured(PROJECT, {**RECORDED, key: value})
    assert tool(text)[place[0]][place[1]] == value
    assert tomli.loads(text)["project"] == {"name": "p", "version": "0"}


def test_the_folder_that_it_was_started_in() -> None:
    text = configured(PROJECT, {**RECORDED, "folder": "sub dir"})
    command = tool(text)["train"]["command"]
    assert command == ["sh", "-c", 'cd "$0" && exec "$@"', "sub dir", "python", "train.py"]


def test_numerics_are_those_of_the_run() -> None:
    native = {key: value for key, value in RECORDED.items() if key != "numerics"}
    assert tool(configured(PROJECT, native))["numerics"] == {}
    threads = configured(PROJECT, {**RECORDED, "numerics": {"threads": 8}})
    assert tool(threads)["numerics"] == {"threads": 8}
    portable = {**RECORDED, "numerics": {"profile": "portable"}}
    assert tool(configured(PROJECT, portable))["numerics"] == {"profile": "portable"}
    # The record has the digest of a CPU's own table; the tree has the table.
    own = PROJECT.replace("threads", 'cpu = "my.cpu"\nthreads')
    numerics = {**RECORDED["numerics"], "cpu": "My CPU", "table": "0" * 64}
    assert configured(own, {**RECORDED, "numerics": numerics}) == own


keys = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=6)
values = st.recursive(
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False)
    | st.datetimes()
    | st.dates()
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_any_document_is_written_so_that_it_reads_the_same(document: dict[str, Any]) -> None:
    assert tomli.loads(_toml(document)) == document

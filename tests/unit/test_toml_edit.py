"""What is added to a TOML document is all that changes in it."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nixrepro import toml_edit
from nixrepro.toml_edit import Unfit, add

TEXT = """\
# what it is
[project]   # its name follows
name = "x"

[tool.nixrepro]

[tool . "nixrepro".base] # below
suite = "bookworm"  # today's
"""

names = st.text(st.sampled_from("abé-_. \"'\\"), min_size=1, max_size=6)
values = st.one_of(
    st.text(max_size=12),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.lists(st.text(max_size=40), max_size=4),
)


def test_a_key_stands_below_its_tables_header_and_all_else_where_it_was() -> None:
    new = add(
        TEXT,
        {
            ("project", "dependencies"): ["a"],
            ("tool", "nixrepro", "base", "packages"): ["git"],
            ("tool", "nixrepro", "wheels", "from"): "uv.lock",
        },
    )
    assert new == (
        '# what it is\n[project]   # its name follows\ndependencies = ["a"]\nname = "x"\n\n'
        '[tool.nixrepro]\n\n[tool . "nixrepro".base] # below\npackages = ["git"]\n'
        'suite = "bookworm"  # today\'s\n\n[tool.nixrepro.wheels]\nfrom = "uv.lock"\n'
    )


def test_lines_end_as_the_documents_own() -> None:
    new = add('[a]\r\nb = "c"', {("a", "d"): True, ("e", "f"): "g"})
    assert new == '[a]\r\nd = true\r\nb = "c"\r\n\r\n[e]\r\nf = "g"\r\n'


def test_a_header_at_the_very_end_gets_its_line_break() -> None:
    assert add("[a]", {("a", "b"): 1}) == "[a]\nb = 1\n"


@pytest.mark.parametrize("text", ["a = {}\n", "a.b = 1\n", "a = 1\n", "[a.b]\nx = 1\n[a]\nc = 1\n"])
def test_what_can_not_be_added_to_line_by_line_is_refused(text: str) -> None:
    with pytest.raises(Unfit):
        add(text, {("a", "c"): 1, ("a", "b", "x"): 2} if "[a.b]" in text else {("a", "c"): 1})


def test_what_only_looks_like_a_header_gets_no_line() -> None:
    with pytest.raises(Unfit):
        add('a = """\n[t]\n"""\n', {("t", "x"): 1})


@given(st.dictionaries(st.tuples(names, names), values, max_size=5))
def test_what_was_added_is_read_again(additions: dict[tuple[str, str], object]) -> None:
    assume(not any(key[0] in ("project", "tool") for key in additions))
    new = tomllib.loads(add(TEXT, additions))
    for (table, name), value in additions.items():
        assert new[table][name] == value
        del new[table][name]
    assert {key: value for key, value in new.items() if value} == tomllib.loads(TEXT)


@given(st.dictionaries(st.tuples(names, names), values, min_size=1, max_size=5))
def test_the_additions_alone_are_a_document(additions: dict[tuple[str, str], object]) -> None:
    found = tomllib.loads("\n".join(toml_edit.lines(additions)))
    assert {(a, b): value for a, table in found.items() for b, value in table.items()} == additions

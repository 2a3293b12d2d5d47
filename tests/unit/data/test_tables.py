"""A data table is written into a person's pyproject.toml, and all else in it stays."""

from __future__ import annotations

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.data.tables import with_table
from nixrepro.errors import ConfigError

TEXT = """\
# a project
[project]
name = "x"  # its name

[tool.nixrepro.data.train]  # pictures
# from the camera
path = "data/train"  # where
digest = "merkle:old"
store = true # kept

[tool.ruff]
line-length = 100
"""


def test_a_new_table_stands_at_the_end() -> None:
    found = with_table(TEXT + "\n\n", "a.b", {"path": "x", "store": True, "size": None})
    assert found == TEXT + '\n[tool.nixrepro.data."a.b"]\npath = "x"\nstore = true\n'


def test_values_are_replaced_where_they_stand() -> None:
    values = {"path": "b", "digest": "merkle:new", "store": None, "optional": True}
    assert with_table(TEXT, "train", values) == TEXT.replace(
        'data/train"  # where', 'b"  # where'
    ).replace("merkle:old", "merkle:new").replace("store = true # kept\n", "").replace(
        "# pictures\n", "# pictures\noptional = true\n"
    )


def test_line_ends_stay_as_they_are() -> None:
    text = TEXT.replace("\n", "\r\n")
    found = with_table(text, "train", {"digest": "merkle:new"})
    assert found == text.replace("merkle:old", "merkle:new")
    assert with_table(text, "new", {"path": "x"}).endswith('\r\n\r\n[tool.nixrepro.data.new]\r\n'
                                                            'path = "x"\r\n')  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        '[tool.nixrepro]\ndata = { train = { path = "x", digest = "y" } }\n',
        '[tool.nixrepro]\ndata.train.path = "x"\n',
        '[tool.nixrepro.data]\ntrain = { path = "x" }\n',
        '[tool.nixrepro.data.train]\npath = """\nx"""\n',
    ],
)
def test_what_can_not_be_edited_is_said_with_what_to_write(text: str) -> None:
    with pytest.raises(ConfigError, match="can't be edited") as caught:
        with_table(text, "train", {"path": "b", "digest": "z"})
    assert "[tool.nixrepro.data.train]" in caught.value.details
    assert 'digest = "z"' in caught.value.details


def test_beside_an_inline_table_nothing_can_be_added() -> None:
    with pytest.raises(ConfigError, match="can't be edited"):
        with_table("[tool.nixrepro]\ndata = {}\n", "new", {"path": "b"})


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
VALUES = st.dictionaries(
    st.sampled_from(["url", "path", "digest", "store"]),
    st.one_of(st.booleans(), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)),
    min_size=1,
)


@given(
    tables=st.dictionaries(NAMES, VALUES, max_size=3),
    name=NAMES,
    first=VALUES,
    second=VALUES,
)
def test_what_is_written_is_read_and_nothing_else_changes(
    tables: dict[str, dict[str, str | bool]],
    name: str,
    first: dict[str, str | bool],
    second: dict[str, str | bool],
) -> None:
    text = "[tool.nixrepro]\n"
    for each, values in tables.items():
        text = with_table(text, each, dict(values))
    before = tomli.loads(text)
    for values in (first, second):
        text = with_table(text, name, dict(values))
    after = tomli.loads(text)["tool"]["nixrepro"].get("data", {})
    assert after.pop(name) == {**tables.get(name, {}), **first, **second}
    expected = before["tool"]["nixrepro"].get("data", {})
    expected.pop(name, None)
    assert after == expected

"""The line of a key is found whatever stands around it."""

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.toml_lines import Key, line_of

TEXT = '''# a comment with [brackets] and = signs
top = 1

[a.b]          # line 4
text = """
[not.a.table]
key = 3
""" # still text
list = [
    "x]", # ]
    ["y"],
]
"quoted key".inner = { c = 1, d = "}" }
last = 'it'

[[a.items]]
name = "one"
[[a.items]]
name = "two"
[a.items.deep]
z = 1
[[a.items.more]]
n = 1
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("top",), 2),
        (("a",), 4),
        (("a", "b", "text"), 5),
        (("a", "b", "list"), 9),
        (("a", "b", "list", 1), 9),
        (("a", "b", "quoted key", "inner"), 13),
        (("a", "b", "quoted key", "inner", "c"), 13),
        (("a", "b", "last"), 14),
        (("a", "items", 0, "name"), 17),
        (("a", "items", 1), 18),
        (("a", "items", 1, "name"), 19),
        (("a", "items", 1, "deep", "z"), 21),
        (("a", "items", 1, "more", 0, "n"), 23),
        (("a", "b", "absent"), 4),
        (("absent",), 0),
    ],
)
def test_a_key_is_found_on_its_line(key: Key, line: int) -> None:
    tomli.loads(TEXT)
    assert line_of(TEXT, key) == line


strings = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)


@given(st.lists(strings, min_size=1, max_size=8), st.integers(0, 3))
def test_strings_of_any_content_shift_no_line(texts: list[str], gap: int) -> None:
    lines: list[str] = []
    expected: list[int] = []
    for number, text in enumerate(texts):
        expected.append(len(lines) + 1)
        quoted = "".join(
            f"\\U{ord(letter):08x}" if letter in '"\\' or letter < " " else letter
            for letter in text
        ).replace("\x7f", "\\u007f")
        lines += [f'key{number} = ["{quoted}"] # {number}', *[""] * gap]
    document = "\n".join(lines)
    assert list(tomli.loads(document).values()) == [[text] for text in texts]
    found = [line_of(document, (f"key{number}",)) for number in range(len(texts))]
    assert found == expected

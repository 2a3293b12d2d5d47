"""Every verb's help ends with examples that are what they say, on 80 columns."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.cli import VERBS, verbs
from nixrepro.cli.examples import Command, laid_out, split


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from leaves(found, f"{name} {each}".strip())
    else:
        yield name, command


ALL = dict(leaves(verbs, ""))


def commands(line: str) -> list[list[str]]:
    """The words of each nixrepro on a shell's line, without what the shell does around it."""
    found = re.findall(r"nixrepro .*?(?=\)\"| > | \| |$)", line)
    return [shlex.split(each)[1:] for each in found]


def understand(command: click.Command, words: list[str], parent: click.Context) -> str:
    """Parse a command line down to its verb; the verb's full name."""
    assert isinstance(command, click.Group)
    name, found, rest = command.resolve_command(parent, words)
    assert name is not None and found is not None
    try:
        with found.make_context(name, list(rest), parent=parent) as context:
            inner = [*context._protected_args, *context.args]
            if isinstance(found, click.Group):
                return f"{name} {understand(found, inner, context)}"
    except click.BadParameter as error:
        # Files that are named need not be on this machine.
        assert "does not exist" in error.format_message()
    return name


def test_all_verbs_are_there() -> None:
    assert {name.split()[0] for name in ALL} == set(VERBS)


@pytest.mark.parametrize("verb", ALL)
def test_each_verb_has_examples_that_can_be_typed(verb: str) -> None:
    command = ALL[verb]
    examples = getattr(command, "examples", ())
    group = verbs.get_command(click.Context(verbs), verb.split(maxsplit=1)[0])
    assert examples or getattr(group, "examples", ()), f"{verb} has none"
    understood = set()
    for example in examples:
        line, _ = split(example)
        for words in commands(line):
            with verbs.make_context("nixrepro", list(words)) as context:
                inner = [*context._protected_args, *context.args]
                understood.add(understand(verbs, inner, context))
    # Another verb, or another program, may show what its answer is for.
    assert not examples or verb in understood


@pytest.mark.parametrize("verb", ALL)
@pytest.mark.parametrize("width", [80, 60])
def test_help_is_readable(verb: str, width: int) -> None:
    command = ALL[verb]
    context = click.Context(command, info_name=f"nixrepro {verb}", terminal_width=width)
    lines = command.get_help(context).splitlines()
    assert max(map(len, lines)) <= 80
    examples = getattr(command, "examples", ())
    if examples:
        assert lines[-len(laid_out(examples)) - 1] == "Examples:"
    # Said once: not in the text, too.
    assert "\n".join(lines).count("Examples:") == bool(examples)


def test_remarks_stand_in_a_column() -> None:
    assert laid_out(["a  # one", "bb  # two", "ccc"]) == ["a   # one", "bb  # two", "ccc"]


def test_a_remark_without_room_stands_above() -> None:
    long = "x" * 20
    assert laid_out([f"{long}  # what it does", "b  # two"], 30) == [
        "# what it does",
        long,
        "b  # two",
    ]


WORDS = st.text("abc -", min_size=1, max_size=40).map(str.strip).filter(bool)


@given(st.lists(st.tuples(WORDS, WORDS | st.just("")), max_size=5))
def test_no_line_is_too_long_or_lost(parts: list[tuple[str, str]]) -> None:
    lines = laid_out([f"{line}  # {said}" if said else line for line, said in parts], 60)
    assert all(len(line) <= 60 for line in lines)
    said = "\n".join(lines)
    for line, remark in parts:
        assert line in said and remark in said


def test_options_and_text_come_before() -> None:
    command = Command("x", help="What it does.", examples=["nixrepro x  # so"])
    said = command.get_help(click.Context(command, info_name="x"))
    assert said.endswith("Examples:\n  nixrepro x  # so")
    assert said.index("What it does.") < said.index("--help") < said.index("Examples:")


def test_a_verb_without_examples_has_no_such_section() -> None:
    command = Command("x", help="What it does.")
    assert "Examples" not in command.get_help(click.Context(command, info_name="x"))

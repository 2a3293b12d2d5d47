"""What is printed can't steer the terminal."""

from __future__ import annotations

import pytest

from nixrepro.cli.boundary import guard
from nixrepro.cli.output import answer, answer_table, say
from nixrepro.errors import Exit, NixreproError


def test_control_characters_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    answer("a name \x1b[31m with \x9b a colour\tand a tab\nand a line")
    say("\x07")
    answer_table(["NAME"], [["\x1b]0;title\x07"]])
    said = capsys.readouterr()
    first = "a name \\x1b[31m with \\x9b a colour\tand a tab\nand a line\n"
    assert said.out == f"{first}NAME\n\\x1b]0;title\\x07\n"
    assert said.err == "\\x07\n"


def test_nor_can_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A stranger's record, file or server has words in it."""

    def fail() -> None:
        raise NixreproError("a\x1b[2J", hint="b\x9b", details="first\nc\x07")

    assert guard(fail) == Exit.USAGE
    assert capsys.readouterr().err == "error: a\\x1b[2J\nfirst\nc\\x07\nhint: b\\x9b\n"

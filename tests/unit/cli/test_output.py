"""What is printed can't steer the terminal."""

from __future__ import annotations

import pytest

from nixrepro.cli.output import answer, answer_table, say


def test_control_characters_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    answer("a name \x1b[31m with \x9b a colour\tand a tab\nand a line")
    say("\x07")
    answer_table(["NAME"], [["\x1b]0;title\x07"]])
    said = capsys.readouterr()
    first = "a name \\x1b[31m with \\x9b a colour\tand a tab\nand a line\n"
    assert said.out == f"{first}NAME\n\\x1b]0;title\\x07\n"
    assert said.err == "\\x07\n"

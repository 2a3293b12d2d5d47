"""`nixrepro help`: a verb's help, and the manual page that is made of the same."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from nixrepro.cli import VERBS, verbs
from nixrepro.cli.examples import Command
from nixrepro.cli.man import page


def ask(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(verbs, list(words), prog_name="nixrepro")
    return done.exit_code, done.output


@pytest.mark.parametrize("words", [[], ["verify"], ["data", "add"]])
def test_help_is_what_the_option_shows(words: list[str]) -> None:
    assert ask("help", *words) == ask(*words, "--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verfiy"], "Did you mean 'verify'?"),
        (["show", "x"], "nixrepro show has no verb 'x'"),
        (["data", "x"], "No such command 'x'"),
        (["--man", "show"], "--man is of all verbs"),
    ],
)
def test_what_is_no_verb(words: list[str], said: str) -> None:
    code, output = ask("help", *words)
    assert code == 2
    assert said in output


def test_the_manual_page_has_each_verb_with_its_options_and_examples() -> None:
    code, text = ask("help", "--man")
    assert code == 0
    assert text.startswith(".TH NIXREPRO 1 ")
    heads = re.findall(r"^\.SS nixrepro (\S+)", text, re.MULTILINE)
    assert list(dict.fromkeys(heads)) == list(VERBS)
    assert r"\fB\-\-require\-clean\fR" in text
    assert r"\fBnixrepro verify \-\-rebuild numpy system\fR" in text
    for section in ("NAME", "SYNOPSIS", "OPTIONS", "VERBS", "EXIT STATUS", "FILES"):
        assert f".SH {section}\n" in text
    # Every line that begins with a dot is a macro that man(7) has.
    macros = set(re.findall(r"^[.'](\S*)", text, re.MULTILINE))
    assert macros <= {"TH", "SH", "SS", "TP", "PP", "B", "RS", "RE", "nf", "fi"}


def test_nothing_in_a_text_is_taken_for_roff() -> None:
    @click.command("x", cls=Command, examples=["nixrepro x 'a\\b'  # .so"])
    @click.option("--odd", help=".TH back\\slash")
    def command() -> None:
        """'quoted at the start

        .dotted paragraph
        """

    text = page(click.Group("g", {"x": command}, help="A group."), "g")
    assert "\n\\&'quoted at the start\n" in text
    assert "\n\\&.dotted paragraph\n" in text
    assert "\n\\&.TH back\\eslash\n" in text
    assert "nixrepro x 'a\\eb'" in text

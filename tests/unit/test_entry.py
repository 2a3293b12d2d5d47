"""A plain warm start means what the command line says, and leaves all else to it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nixrepro import cli, entry
from nixrepro.cli import verbs
from nixrepro.realise import realise

from .store import Store, make_project

WORDS = ["run", "train", "shell", "--", "-", "", "-C", "--no-record", "--help", "true", "-c", "a=b"]
LINES = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=6)


def understood(words: list[str]) -> tuple[str, dict[str, Any], list[str]]:
    """What click makes of a command line: verb, the verb's options that were given, its words."""
    with verbs.make_context("nixrepro", list(words)) as whole:
        assert whole.params["folder"] == Path()
        name, verb, rest = verbs.resolve_command(whole, [*whole._protected_args, *whole.args])
        assert name is not None
        with verb.make_context(name, rest, parent=whole) as context:
            given = {
                key: value
                for key, value in context.params.items()
                if context.get_parameter_source(key) is not click.core.ParameterSource.DEFAULT
            }
            said = [given.pop(key) for key in ("words", "arguments") if key in given]
            return name, given, [word for some in said for word in some]


@given(
    LINES | LINES.map(lambda rest: ["run", *rest]) | LINES.map(lambda rest: ["run", "--", *rest])
)
@example(["run", "--", "true"])
@example(["run", "true", "--", "--no-record"])
@example(["run", "--", "--", "-x"])
@example(["run", "", "x"])
@example(["run", "-"])
@example(["train"])
@example(["train", "--", "x"])
def test_click_understands_the_same(words: list[str]) -> None:
    found = entry.plain(words)
    if found is None:
        return
    verb, options, said = understood(words)
    assert verb == words[0]
    assert options == {}
    assert said == found


@pytest.mark.parametrize(
    "words",
    [
        *([], ["run"], ["run", "--"], ["run", "-x"], ["run", "--help"], ["ru", "true"], ["runs"]),
        *(["run", "--no-record", "true"], ["-C", "x", "run", "true"]),
        *(["train", "x"], ["train", "--help"]),
    ],
)
def test_what_has_an_option_or_is_wrong_is_left_to_click(words: list[str]) -> None:
    assert entry.plain(words) is None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_project(tmp_path / "project")
    realise(root, Store(tmp_path / "store").nix, lambda: None, lambda: None)
    return root


class Became(Exception):
    """This process was to become another."""


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Starts the command; tells what it became, "cli" where the command line was asked."""

    def replace(argv: list[str], env: dict[str, str]) -> None:
        raise Became(*argv)

    def whole() -> None:
        raise Became("cli")

    monkeypatch.setattr("nixrepro.run.replace", replace)
    monkeypatch.setattr(cli, "main", whole)

    def call(folder: Path, *words: str) -> tuple[str, ...]:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["nixrepro", *words])
        with pytest.raises(Became) as caught:
            entry.main()
        return tuple(caught.value.args)

    return call


def test_a_remembered_environment_is_entered(root: Path, start: Any) -> None:
    for folder in (root, root / "nix" / "build"):
        argv = start(folder, "run", "--", "python", "-c", "x")
        assert argv[argv.index("--project") + 1] == str(root)
        assert argv[argv.index("--") + 1 :] == ("python", "-c", "x")
    argv = start(root, "train")
    assert argv[-1] == "--"  # the project's own command


def test_what_is_not_remembered_is_left_to_the_command_line(
    root: Path, start: Any, tmp_path: Path
) -> None:
    assert start(tmp_path, "run", "true") == ("cli",)
    inner = root / "nix" / "inner"
    inner.mkdir()
    assert start(inner, "run", "true") != ("cli",)  # an empty folder changes nothing
    (inner / "pyproject.toml").touch()
    assert start(inner, "run", "true") == ("cli",)
    (root / "flake.nix").unlink()
    assert start(root, "run", "true") == ("cli",)


def test_a_shell_that_completes_asks_click(
    root: Path, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_NIXREPRO_COMPLETE", "bash_complete")
    assert start(root, "run", "true") == ("cli",)


def test_an_error_is_said_by_the_command_line(
    root: Path, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(argv: list[str], env: dict[str, str]) -> None:
        raise OSError(7, "Argument list too long")

    monkeypatch.setattr("nixrepro.run.replace", replace)
    assert start(root, "run", "true") == ("cli",)


def test_an_interrupt_has_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    monkeypatch.setattr(sys, "argv", ["nixrepro"])
    with contextlib.suppress(KeyboardInterrupt), pytest.raises(SystemExit) as caught:
        entry.main()
    assert caught.value.code == 130

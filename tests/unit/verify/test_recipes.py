"""The recipes for CI parse, and name no command or option that is not there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from nixrepro.cli import verbs

ROOT = Path(__file__).parents[3]
CI = ROOT / "examples" / "ci"
PAGES = ("docs/ci.md", "docs/verify.md")
COMMAND = re.compile(r"(?:^|[`|;&]|^ *- |if !?) *nixrepro ([a-z][^`\n|;&#]*)", re.MULTILINE)


def commands() -> Iterator[tuple[str, str]]:
    for name in (*PAGES, "examples/ci/verify.sh", "examples/ci/github.yml"):
        for match in COMMAND.finditer((ROOT / name).read_text()):
            yield name, match[1].strip()


COMMANDS = sorted({words for _, words in commands()})


def test_commands_are_found() -> None:
    assert len(COMMANDS) >= 12
    assert {"fetch", "run --no-record -- true"} <= set(COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_is_one(words: str) -> None:
    verb, *rest = shlex.split(words.replace("$reports", "reports"))
    context = click.Context(verbs)
    command = verbs.get_command(context, verb)  # type: ignore[attr-defined]
    assert command is not None, verb
    command.make_context(verb, rest)


def test_an_option_that_is_not_there_would_be_seen() -> None:
    command = verbs.get_command(click.Context(verbs), "verify")  # type: ignore[attr-defined]
    with pytest.raises(click.NoSuchOption):
        command.make_context("verify", ["--quick"])


def parsed(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((CI / name).read_text())
    return found


def test_github() -> None:
    workflow = parsed("github.yml")
    job = workflow["jobs"]["verify"]
    for step in job["steps"]:
        assert ("run" in step) != ("uses" in step)
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs[-1] == "sh ci/verify.sh"
    (cache,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/cache@")]
    assert cache["with"]["path"] == default("NIXREPRO_CACHE")
    for name in re.findall(r"'([^']+)'", cache["with"]["key"]):
        assert list(ROOT.glob(name)), name


def test_gitlab() -> None:
    job = parsed("gitlab.yml")["verify"]
    assert job["script"] == ["sh ci/verify.sh"]
    assert job["cache"]["paths"] == [default("NIXREPRO_CACHE") + "/"]
    assert len(job["cache"]["key"]["files"]) <= 2  # GitLab takes no more
    from nixrepro.verify.annotations import GITLAB_FILE

    reports = job["artifacts"]["reports"]
    assert reports == {"junit": default("NIXREPRO_REPORTS") + "/*.xml", "codequality": GITLAB_FILE}


def default(name: str) -> str:
    found = re.search(rf"{name}:-([\w.-]+)", (CI / "verify.sh").read_text())
    assert found
    return found[1]


def test_the_script_is_one() -> None:
    subprocess.run(["sh", "-n", CI / "verify.sh"], check=True)


@pytest.mark.parametrize("name", ["verify.sh", "github.yml", "gitlab.yml"])
def test_the_page_shows_the_files_as_they_are(name: str) -> None:
    assert f"\n{(CI / name).read_text()}```" in (ROOT / "docs" / "ci.md").read_text()

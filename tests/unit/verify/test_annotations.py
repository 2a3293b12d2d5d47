"""Notes are written as GitHub's runner and GitLab read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.verify.annotations import GITLAB_FILE, github, gitlab, publish, system
from nixrepro.verify.verdict import Finding, State, Verdict

FOUND = Finding("numpy", "was changed", "wheels", "nixrepro.lock", 12)
DIFFERS = Verdict("lock", "nixrepro.lock", State.DIFFERS, "edited: by hand", "", (FOUND,))
UNKNOWN = Verdict("closure", "", State.UNKNOWN, "no Nix")
SAME = Verdict("lock", "git", State.SAME, "all is known", "", (FOUND,))
# As the runner takes a line apart.
COMMAND = re.compile(r"::(\w+) ([^:]*)::(.*)")


def taken_apart(line: str) -> tuple[str, dict[str, str], str]:
    match = COMMAND.fullmatch(line)
    assert match, line
    properties = dict(pair.split("=", 1) for pair in match[2].split(","))
    return match[1], {key: unquote(value) for key, value in properties.items()}, unquote(match[3])


def test_a_finding_is_an_error_beside_its_line() -> None:
    (line,) = github([SAME, DIFFERS])
    kind, properties, said = taken_apart(line)
    assert kind == "error"
    assert properties == {
        "file": "nixrepro.lock",
        "line": "12",
        "title": "nixrepro verify: lock, nixrepro.lock differs",
    }
    assert said == "numpy was changed\nedited: by hand"


def test_the_unknown_is_a_warning_about_no_file() -> None:
    (line,) = github([UNKNOWN])
    assert taken_apart(line) == (
        "warning",
        {"title": "nixrepro verify: closure unknown"},
        "closure: no Nix",
    )


def test_a_project_below_the_top_of_its_repository() -> None:
    (line,) = github([DIFFERS], "models/digits")
    assert taken_apart(line)[1]["file"] == "models/digits/nixrepro.lock"
    (issue,) = json.loads(gitlab([DIFFERS], "models/digits"))
    assert issue["location"]["path"] == "models/digits/nixrepro.lock"


@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_no_text_escapes_from_its_command(file: str, said: str) -> None:
    finding = Finding("x", said, file=file, line=1)
    (line,) = github([Verdict("lock", "", State.DIFFERS, said, "", (finding,))])
    assert "\n" not in line and "\r" not in line
    kind, properties, message = taken_apart(line)
    assert (kind, properties["file"], message) == ("error", file, f"x {said}\n{said}")


def test_no_more_than_the_runner_shows() -> None:
    findings = tuple(Finding(f"file{number}", "differs") for number in range(30))
    lines = github([Verdict("closure", "", State.DIFFERS, "damaged", "", findings), UNKNOWN])
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == 10
    assert errors[-1].endswith("21 more: see the log")
    assert len(lines) == 11


def test_gitlabs_report_has_what_it_needs() -> None:
    issues = json.loads(gitlab([SAME, DIFFERS, UNKNOWN]))
    assert [issue["severity"] for issue in issues] == ["major", "minor"]
    assert issues[0]["location"] == {"path": "nixrepro.lock", "lines": {"begin": 12}}
    for issue in issues:
        keys = {"check_name", "description", "fingerprint", "location", "severity"}
        assert issue.keys() == keys
    assert len({issue["fingerprint"] for issue in issues}) == 2
    assert json.loads(gitlab([SAME])) == []


@pytest.mark.parametrize(
    ("asked", "variables", "found"),
    [
        ("auto", {"GITHUB_ACTIONS": "true"}, "github"),
        ("auto", {"GITLAB_CI": "true"}, "gitlab"),
        ("auto", {"GITHUB_ACTIONS": ""}, "none"),
        ("auto", {"CI": "true"}, "none"),
        ("none", {"GITHUB_ACTIONS": "true"}, "none"),
        ("gitlab", {}, "gitlab"),
    ],
)
def test_the_ci_system_is_seen(asked: str, variables: dict[str, str], found: str) -> None:
    assert system(asked, variables) == found


def test_gitlabs_file_is_written_and_nothing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    publish(tmp_path, "gitlab", [DIFFERS], said.append)
    assert (tmp_path / GITLAB_FILE).read_bytes() == gitlab([DIFFERS])
    assert said == []

"""`nixrepro import` tells what it read, what it could not read, and what it did."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nixrepro.cli import verbs

LINES = "tqdm==4.62.3\nlab @ git+https://u:p@git.example/lab.git\n--pre\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("[tool.nixrepro]\n")
    (tmp_path / "requirements.txt").write_text(LINES)
    return tmp_path


def invoke(project: Path, *arguments: str) -> Result:
    words = ["-C", str(project), "import", *arguments]
    return CliRunner().invoke(verbs, words, standalone_mode=False)


def test_a_person_reads_what_was_taken_and_what_was_left(project: Path) -> None:
    done = invoke(project, "requirements.txt")
    assert (done.return_value, done.exception) == (0, None)
    lines = done.stdout.splitlines()
    assert lines[0] == "requirements.txt: read, 1 wanted, 1 pinned, 0 with hashes"
    assert lines[1] == "  wanted      tqdm==4.62.3"
    assert "  requirements.txt:2: lab @ git+https://git.example/lab.git" in lines
    assert "      wanted, but a repository has no one file" in done.stdout
    assert "  requirements.txt:3: --pre" in lines
    assert lines[-1] == "pyproject.toml: tool.nixrepro.wheels.from added"
    assert "1 requirement is wanted there and is not imported: see above" in done.stderr
    assert "nixrepro lock" in done.stderr
    again = invoke(project, "requirements.txt")
    assert "pyproject.toml says all of it already" in again.stderr


@pytest.mark.parametrize("option", ["--dry-run", "--print"])
def test_a_dry_run_shows_the_lines(project: Path, option: str) -> None:
    done = invoke(project, option, "requirements.txt")
    assert done.stdout.endswith(
        'to be added to pyproject.toml:\n  [tool.nixrepro.wheels]\n  from = "requirements.txt"\n'
    )
    assert (project / "pyproject.toml").read_text() == "[tool.nixrepro]\n"


def test_a_program_reads_all_of_it(project: Path) -> None:
    found = json.loads(invoke(project, "--json", "requirements.txt").stdout)
    assert found["requirements"] == ["tqdm==4.62.3"]
    assert found["pins"] == [
        {"hashes": [], "line": 1, "marker": "", "name": "tqdm", "url": "", "version": "4.62.3"}
    ]
    assert [(left["file"], left["line"], left["wanted"]) for left in found["left"]] == [
        ("requirements.txt", 2, True),
        ("requirements.txt", 3, False),
    ]
    assert found["added"] == {"tool.nixrepro.wheels.from": "requirements.txt"}
    assert found["done"] == ["pyproject.toml: tool.nixrepro.wheels.from added"]


def test_a_strangers_control_characters_steer_no_terminal(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM python:3.11\nRUN \x1b[31mred\n")
    done = invoke(project, "Dockerfile")
    assert "\\x1b[31mred" in done.stdout
    assert "\x1b" not in done.output


@pytest.mark.parametrize("file", ["gone.txt", "notes.md"])
def test_a_file_that_can_not_be_read(project: Path, file: str) -> None:
    (project / "notes.md").write_text("x")
    assert file in str(invoke(project, file).exception)

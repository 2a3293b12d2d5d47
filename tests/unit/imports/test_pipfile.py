"""A Pipfile.lock's pins, and what its Pipfile wants, are what pipenv means by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nixrepro import imports
from nixrepro.errors import ImportFileError
from nixrepro.imports import Imported

RECORDED = Path(__file__).parents[1] / "recorded/imports/pipenv-2026.10.3"


def take(folder: Path, lock: Any, asked: str = "") -> Imported:
    text = lock if isinstance(lock, str) else json.dumps(lock, indent=4)
    (folder / "Pipfile.lock").write_text(text)
    if asked:
        (folder / "Pipfile").write_text(asked)
    return imports.read(folder / "Pipfile.lock")


def test_what_pipenv_wrote() -> None:
    found = imports.read(RECORDED / "Pipfile.lock")
    assert (found.format, found.python, found.files) == ("Pipfile.lock", "3.11", ("Pipfile",))
    assert found.requirements == (
        "requests[socks]~=2.28",
        "click==8.1.7",
        "termcolor==1.1.0",
        "importlib-metadata==5.2.0 ; python_version < '3.10'",
        "colorama ; sys_platform == 'win32'",
    )
    by_name = {pin.name: pin for pin in found.pins}
    assert by_name["iniconfig"].version == "1.1.1"  # of develop
    termcolor = "1d6d69ce66211143803fbc56652b41d73b4a400a2891d7bf7a1cdf4c02de613b"
    assert by_name["termcolor"].hashes == (termcolor,)
    lines = (RECORDED / "Pipfile.lock").read_text().split("\n")
    assert lines[by_name["pysocks"].line - 1].strip() == '"pysocks": {'
    assert {left.text: left.wanted for left in found.left} == {
        "colorama": False,
        "labtools": True,
        "[dev-packages]": False,
    }


def test_without_a_pipfile_all_of_default_is_wanted(tmp_path: Path) -> None:
    lock = {
        "default": {"A_b": {"version": "==1.0", "markers": "os_name == 'posix'"}},
        "develop": {"c": {"version": "==2.0"}},
    }
    found = take(tmp_path, lock)
    assert found.requirements == ("a-b==1.0 ; os_name == 'posix'",)
    assert [pin.name for pin in found.pins] == ["a-b", "c"]


def test_the_project_itself_is_no_obstacle(tmp_path: Path) -> None:
    lock = {"default": {"digits": {"editable": True, "path": "."}}}
    found = take(tmp_path, lock, '[packages]\ndigits = {editable = true, path = "."}\n')
    assert (found.left, found.local, found.requirements) == ((), ("digits",), ())


def test_a_repository_that_only_a_group_needs_stops_no_lock(tmp_path: Path) -> None:
    lock = {"develop": {"lab": {"git": "https://u:p@git.example/lab.git", "ref": "ab"}}}
    (left,) = take(tmp_path, lock, "[packages]\n").left
    assert (left.wanted, left.reason) == (
        False,
        "comes from a repository: https://git.example/lab.git",
    )


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        ("{\n,}", "Pipfile.lock:2: is not JSON"),
        ({"default": {"a": {"version": "1.x y"}}}, "Pipfile.lock:3: a has no exact version"),
        ({"default": {"../a": {"version": "==1"}}}, "Pipfile.lock:3: '../a' is no distribution's"),
        ({"default": {"a": []}}, "Pipfile.lock:3: a must be an object"),
        ({"default": []}, "Pipfile.lock:2: default must be an object"),
        (
            {"default": {"a": {"version": "==1", "markers": "x"}}},
            "Pipfile.lock:3: holds what is no marker",
        ),
        ({"_meta": {"pipfile-spec": 7}}, "Pipfile.lock:3: is of a form not known here: 7"),
    ],
)
def test_what_is_malformed_is_said_with_its_line(lock: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as caught:
        take(tmp_path, lock)
    assert caught.value.message.startswith(message)
